//! Branch and lookup keys. Their rows need no MAC: the context of the sealed blob holds every column, so
//! a changed row does not open.

use latchkey_clock::Timestamp;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use super::entity::branch_keys;
use super::row::{Table, signed};
use super::{Rows, StoreError, Unit};
use crate::domain::uid::{BranchKeyUid, WorkspaceUid};

const TABLE: Table = Table("branch_keys");

/// The purpose of a stored key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BranchPurpose {
    /// Wraps data keys.
    Branch,
    /// Makes fingerprints and row MACs.
    Lookup,
}

impl BranchPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Lookup => "lookup",
        }
    }
}

/// A key of a workspace, wrapped under a root key.
#[derive(Clone, Debug)]
pub struct WrappedBranchKey {
    /// The identity.
    pub uid: BranchKeyUid,
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The purpose.
    pub purpose: BranchPurpose,
    /// Counts from 1.
    pub version: u64,
    /// The id of the root key that wrapped it.
    pub root_key: String,
    /// The version of that root key.
    pub root_version: u64,
    /// The sealed blob.
    pub wrapped: Vec<u8>,
    /// The time of its creation.
    pub create_time: Timestamp,
}

/// All keys of a workspace, the oldest version first.
pub async fn of_workspace(
    rows: &impl Rows,
    workspace: WorkspaceUid,
) -> Result<Vec<WrappedBranchKey>, StoreError> {
    let query = branch_keys::Entity::find()
        .filter(branch_keys::Column::WorkspaceId.eq(workspace.0))
        .order_by_asc(branch_keys::Column::Version);
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// Stores a new key.
pub async fn insert(unit: &Unit, key: WrappedBranchKey) -> Result<(), StoreError> {
    let row = branch_keys::Model {
        id: key.uid.0,
        workspace_id: key.workspace.0,
        purpose: key.purpose.as_str().to_owned(),
        version: signed(key.version),
        root_key: key.root_key,
        root_version: signed(key.root_version),
        wrapped: key.wrapped,
        create_time: key.create_time.as_micros(),
    };
    branch_keys::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

fn from_row(row: branch_keys::Model) -> Result<WrappedBranchKey, StoreError> {
    let table_row = TABLE.row(&row.id);
    let purpose = [BranchPurpose::Branch, BranchPurpose::Lookup]
        .into_iter()
        .find(|purpose| purpose.as_str() == row.purpose);
    Ok(WrappedBranchKey {
        uid: BranchKeyUid(row.id),
        workspace: WorkspaceUid(row.workspace_id),
        purpose: table_row.parse("purpose", purpose)?,
        version: table_row.counter("version", row.version)?,
        root_key: row.root_key,
        root_version: table_row.counter("root_version", row.root_version)?,
        wrapped: row.wrapped,
        create_time: super::row::time(row.create_time),
    })
}
