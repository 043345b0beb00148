//! The claim of a session: one request at a time adds a turn to its transcript.

use latchkey_clock::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::entity::sessions::{Column, Entity};
use super::sessions::record_use;
use super::{Store, StoreError};

/// A claim of a session by a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Distinguishes the request from others.
    pub id: Uuid,
    /// The session.
    pub session: Uuid,
    /// The number of turns that the request has seen.
    pub turn_count: u64,
    /// From then on the claim counts no more.
    pub expire_time: Timestamp,
}

impl Store {
    /// Claims a session and records the use. Returns false where the session has other turns than the
    /// request has seen, is claimed by another request, is deleted or expired.
    pub async fn claim_session(&self, claim: Claim, now: Timestamp) -> Result<bool, StoreError> {
        let is_free = Condition::any()
            .add(Column::Claim.is_null())
            .add(Column::ClaimExpireTime.lte(now.as_micros()));
        let claimed = record_use(now)
            .col_expr(Column::Claim, Expr::value(claim.id))
            .col_expr(
                Column::ClaimExpireTime,
                Expr::value(claim.expire_time.as_micros()),
            )
            .filter(Column::Uid.eq(claim.session))
            .filter(Column::ExpireTime.gt(now.as_micros()))
            .filter(Column::TurnCount.eq(i64::try_from(claim.turn_count).unwrap_or(i64::MAX)))
            .filter(is_free)
            .exec(&self.db)
            .await?;
        Ok(claimed.rows_affected > 0)
    }

    /// Ends a claim, unless it ended before.
    pub async fn release_session(&self, claim: Claim) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Claim, Expr::value(None::<Uuid>))
            .col_expr(Column::ClaimExpireTime, Expr::value(None::<i64>))
            .filter(Column::Uid.eq(claim.session))
            .filter(Column::Claim.eq(claim.id))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
