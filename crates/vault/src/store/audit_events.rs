//! The audit log: rows are added, never changed.

use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::audit_events;
use super::row::{Pair, Table, json, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::audit::{Act, AuditEvent, Decision};
use crate::domain::uid::WorkspaceUid;

const TABLE: Table = Table("audit_events");

/// Adds an event under the sequence number that the head row gave it.
pub async fn insert(
    unit: &Unit,
    workspace: WorkspaceUid,
    event: AuditEvent,
) -> Result<(), StoreError> {
    let row = audit_events::Model {
        workspace_id: workspace.0,
        sequence: signed(event.sequence),
        event_time: event.time.as_micros(),
        actor: event.act.actor.to_string(),
        method: event.act.method,
        resource: event.resource,
        decision: event.decision.as_str().to_owned(),
        reason: event.reason,
        details: json(&event.details),
    };
    audit_events::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// A workspace's events, newest first, before `before`.
pub async fn list(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    before: Option<u64>,
    limit: u64,
) -> Result<Vec<AuditEvent>, StoreError> {
    let before = before.map_or(i64::MAX, signed);
    let query = audit_events::Entity::find()
        .filter(audit_events::Column::WorkspaceId.eq(workspace.0))
        .filter(audit_events::Column::Sequence.lt(before))
        .order_by_desc(audit_events::Column::Sequence)
        .limit(limit);
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

fn from_row(row: audit_events::Model) -> Result<AuditEvent, StoreError> {
    let id = Pair(row.workspace_id, row.sequence);
    let table_row = TABLE.row(&id);
    Ok(AuditEvent {
        sequence: table_row.counter("sequence", row.sequence)?,
        time: time(row.event_time),
        act: Act {
            actor: row.actor.into(),
            method: row.method,
        },
        resource: row.resource,
        decision: table_row.parse("decision", Decision::from_row(&row.decision))?,
        reason: row.reason,
        details: table_row.json("details", &row.details)?,
    })
}
