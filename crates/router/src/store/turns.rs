//! The table of sealed turns.

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1::FinishReason;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use uuid::Uuid;

use super::entity::{sessions, turns};
use super::row::Row;
use super::sessions::record_use;
use super::{Store, StoreError};
use crate::domain::attempt::Payer;
use crate::domain::session::TurnHead;

const TABLE: &str = "turns";
use turns::{Column, Entity, Model};

/// A turn as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SealedTurn {
    /// The head, in clear.
    pub head: TurnHead,
    /// The content, sealed.
    pub sealed: Vec<u8>,
}

/// The outcome of an addition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Appended {
    /// The turn was added.
    Added,
    /// The session does not exist.
    Gone,
    /// The session has a later turn.
    Continued,
}

/// A range of turn numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TurnRange {
    /// The number before the first one.
    pub after: u64,
    /// The last number.
    pub last: u64,
}

impl Store {
    /// Adds a turn, ends the claim of its request, and records the use. The turn must follow the last one
    /// that the session has.
    pub async fn append_turn(
        &self,
        uid: Uuid,
        now: Timestamp,
        turn: SealedTurn,
    ) -> Result<Appended, StoreError> {
        let change = self.begin_change().await?;
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let counted = record_use(now)
            .col_expr(
                sessions::Column::TurnCount,
                Expr::value(number(turn.head.number)),
            )
            .col_expr(
                sessions::Column::Size,
                Expr::col(sessions::Column::Size).add(number(turn.head.size)),
            )
            .col_expr(sessions::Column::Claim, Expr::value(None::<Uuid>))
            .col_expr(sessions::Column::ClaimExpireTime, Expr::value(None::<i64>))
            .filter(sessions::Column::Uid.eq(uid))
            .filter(sessions::Column::TurnCount.eq(number(turn.head.number) - 1))
            .exec(&change)
            .await?;
        if counted.rows_affected == 0 {
            let session = sessions::Entity::find_by_id(uid).one(&change).await?;
            return Ok(match session {
                Some(_) => Appended::Continued,
                None => Appended::Gone,
            });
        }
        let row = to_row(uid, turn.head.number, turn);
        Entity::insert(row.into_active_model())
            .exec_without_returning(&change)
            .await?;
        change.commit().await?;
        Ok(Appended::Added)
    }

    /// Turns of a session, from the oldest on.
    pub async fn turns(
        &self,
        uid: Uuid,
        range: TurnRange,
        limit: u64,
    ) -> Result<Vec<SealedTurn>, StoreError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let query = Entity::find()
            .filter(Column::SessionUid.eq(uid))
            .filter(Column::Number.gt(number(range.after)))
            .filter(Column::Number.lte(number(range.last)))
            .order_by_asc(Column::Number)
            .limit(limit);
        let rows = query.all(&self.db).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// The size of each turn in bytes before it was sealed, from the oldest on.
    pub async fn turn_sizes(
        &self,
        uid: Uuid,
        range: TurnRange,
        limit: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let query = Entity::find()
            .select_only()
            .column(Column::Number)
            .column(Column::Size)
            .filter(Column::SessionUid.eq(uid))
            .filter(Column::Number.gt(number(range.after)))
            .filter(Column::Number.lte(number(range.last)))
            .order_by_asc(Column::Number)
            .limit(limit);
        let sizes = query.into_tuple::<(i64, i64)>().all(&self.db).await?;
        sizes
            .into_iter()
            .map(|(number, size)| {
                let read = Row {
                    table: TABLE,
                    id: &format_args!("{uid}/{number}"),
                };
                read.parse("size", u64::try_from(size).ok())
            })
            .collect()
    }
}

fn to_row(uid: Uuid, number: u64, turn: SealedTurn) -> Model {
    let SealedTurn { head, sealed } = turn;
    Model {
        session_uid: uid,
        number: i64::try_from(number).unwrap_or(i64::MAX),
        provider: head.provider.to_string(),
        model: head.model,
        key_version: head.key_version.to_string(),
        payer: head.payer.as_str().to_owned(),
        finish_reason: head.finish_reason.as_str_name().to_owned(),
        create_time: head.create_time.as_micros(),
        size: i64::try_from(head.size).unwrap_or(i64::MAX),
        sealed,
    }
}

fn from_row(row: Model) -> Result<SealedTurn, StoreError> {
    let id = format!("{}/{}", row.session_uid, row.number);
    let read = Row {
        table: TABLE,
        id: &id,
    };
    let head = TurnHead {
        number: read.parse("number", u64::try_from(row.number).ok())?,
        provider: read.parse("provider", row.provider.parse().ok())?,
        model: row.model,
        key_version: read.parse("key_version", row.key_version.parse().ok())?,
        payer: read.parse("payer", Payer::parse(&row.payer))?,
        finish_reason: read.parse(
            "finish_reason",
            FinishReason::from_str_name(&row.finish_reason),
        )?,
        create_time: Timestamp::from_micros(row.create_time),
        size: read.parse("size", u64::try_from(row.size).ok())?,
    };
    Ok(SealedTurn {
        head,
        sealed: row.sealed,
    })
}
