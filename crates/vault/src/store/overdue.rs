//! The queue of refused keys that wait for a recheck.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use sea_orm::sea_query::{Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, RelationDef, SelectTwo,
};

use super::entity::{key_versions, keys};
use super::keys::{Listed, listed};
use super::row::time;
use super::{Rows, StoreError, versions};
use crate::domain::key::KeyState;
use crate::domain::stamped::Stamped;
use crate::domain::uid::KeyUid;
use crate::domain::version::KeyVersion;

/// The position of a key in the queue: the longest unchecked key comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueuePosition {
    /// The time of the last change or check.
    pub since: Timestamp,
    /// The key.
    pub key: KeyUid,
}

/// A key in the queue, unchecked.
#[derive(Debug)]
pub struct Overdue {
    /// The position.
    pub position: QueuePosition,
    /// The key.
    pub listed: Listed,
    /// Its current version.
    pub version: Result<Stamped<KeyVersion>, StoreError>,
}

/// The next refused keys of these providers, after `after`, that were not changed or checked since
/// `cutoff` and have not expired at `now`.
pub async fn list(
    rows: &impl Rows,
    providers: &[ProviderId],
    cutoff: Timestamp,
    now: Timestamp,
    after: Option<QueuePosition>,
    limit: u64,
) -> Result<Vec<Overdue>, StoreError> {
    let query = queue(providers, cutoff, now, after).limit(limit);
    let rows = query.all(rows.connection()).await?;
    Ok(rows.into_iter().map(overdue).collect())
}

fn queue(
    providers: &[ProviderId],
    cutoff: Timestamp,
    now: Timestamp,
    after: Option<QueuePosition>,
) -> SelectTwo<keys::Entity, key_versions::Entity> {
    let mut query = keys::Entity::find()
        .join(JoinType::LeftJoin, current_version())
        .select_also(key_versions::Entity)
        .filter(is_quarantined())
        .filter(keys::Column::Slug.is_not_null())
        .filter(keys::Column::Provider.is_in(providers.iter().map(|provider| provider.as_str())))
        .filter(
            Condition::any()
                .add(keys::Column::ExpireTime.is_null())
                .add(keys::Column::ExpireTime.gt(now.as_micros())),
        )
        .filter(since().lte(cutoff.as_micros()));
    if let Some(QueuePosition { since: time, key }) = after {
        let later_key = Condition::all()
            .add(since().eq(time.as_micros()))
            .add(keys::Column::Id.gt(key.0));
        let later = since().gt(time.as_micros());
        query = query.filter(Condition::any().add(later).add(later_key));
    }
    query.order_by_asc(since()).order_by_asc(keys::Column::Id)
}

fn current_version() -> RelationDef {
    keys::Entity::belongs_to(key_versions::Entity)
        .from((keys::Column::Id, keys::Column::CurrentVersion))
        .to((key_versions::Column::KeyId, key_versions::Column::Version))
        .into()
}

/// The state is a literal in the query: the database uses the partial index over quarantined keys only
/// then.
fn is_quarantined() -> SimpleExpr {
    let quarantined = Expr::Constant(KeyState::Quarantined.as_str().into());
    Expr::col((keys::Entity, keys::Column::State)).eq(quarantined)
}

fn since() -> SimpleExpr {
    let changed = || Expr::col((keys::Entity, keys::Column::UpdateTime));
    let checked = || Expr::col((key_versions::Entity, key_versions::Column::VerifyTime));
    Expr::case(checked().gt(changed()), checked())
        .finally(changed())
        .into()
}

fn overdue((key, version): (keys::Model, Option<key_versions::Model>)) -> Overdue {
    let changed = time(key.update_time);
    let checked = version.as_ref().map(|version| time(version.verify_time));
    let uid = key.id;
    let missing = || StoreError::Inconsistent {
        table: "keys",
        column: "current_version",
        row: uid.to_string(),
    };
    Overdue {
        position: QueuePosition {
            since: checked.map_or(changed, |checked| changed.max(checked)),
            key: KeyUid(key.id),
        },
        listed: listed(key),
        version: version.ok_or_else(missing).and_then(versions::from_row),
    }
}

#[cfg(test)]
mod tests;
