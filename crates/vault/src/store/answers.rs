//! Answers to requests that carried a request id.

use latchkey_clock::Timestamp;
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use uuid::Uuid;

use super::entity::answered_requests;
use super::{Rows, Store, StoreError, Unit};

/// The answer to an earlier request.
#[derive(Clone, Debug)]
pub struct Answered {
    /// SHA-256 of the method and the request.
    pub digest: Vec<u8>,
    /// The answer, encoded.
    pub answer: Vec<u8>,
}

/// The answer to that request of that actor.
pub async fn find(
    rows: &impl Rows,
    actor: &str,
    request_id: Uuid,
) -> Result<Option<Answered>, StoreError> {
    let query = answered_requests::Entity::find_by_id((actor.to_owned(), request_id));
    let row = query.one(rows.connection()).await?;
    Ok(row.map(|row| Answered {
        digest: row.digest,
        answer: row.answer,
    }))
}

/// Stores an answer in the transaction of its change.
pub async fn insert(
    unit: &Unit,
    actor: &str,
    request_id: Uuid,
    answered: Answered,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = answered_requests::Model {
        actor: actor.to_owned(),
        request_id,
        digest: answered.digest,
        answer: answered.answer,
        create_time: now.as_micros(),
    };
    answered_requests::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Deletes answers from before `time`.
pub async fn forget_before(store: &Store, time: Timestamp) -> Result<u64, StoreError> {
    let deleted = answered_requests::Entity::delete_many()
        .filter(answered_requests::Column::CreateTime.lt(time.as_micros()))
        .exec(store.connection())
        .await?;
    Ok(deleted.rows_affected)
}
