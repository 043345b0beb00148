//! Sealed data keys of routers.

use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::entity::data_keys;
use super::row::{Table, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::data_key::DataKey;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{BranchKeyUid, DataKeyUid, WorkspaceUid};
use crate::domain::version::WrappedBy;

const TABLE: Table = Table("data_keys");

/// A data key of a workspace.
pub async fn find(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    uid: DataKeyUid,
) -> Result<Option<Stamped<DataKey>>, StoreError> {
    let query =
        data_keys::Entity::find_by_id(uid.0).filter(data_keys::Column::WorkspaceId.eq(workspace.0));
    let row = query.one(rows.connection()).await?;
    row.map(from_row).transpose()
}

/// Stores a new data key.
pub async fn insert(unit: &Unit, key: Stamped<DataKey>) -> Result<(), StoreError> {
    data_keys::Entity::insert(to_row(key).into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Deletes a data key of a workspace. Returns whether it existed.
pub async fn delete(
    unit: &Unit,
    workspace: WorkspaceUid,
    uid: DataKeyUid,
) -> Result<bool, StoreError> {
    let query = data_keys::Entity::delete_many()
        .filter(data_keys::Column::Id.eq(uid.0))
        .filter(data_keys::Column::WorkspaceId.eq(workspace.0));
    let deleted = query.exec(unit.connection()).await?;
    Ok(deleted.rows_affected > 0)
}

/// Deletes all data keys of a workspace. Returns their number.
pub async fn delete_all(unit: &Unit, workspace: WorkspaceUid) -> Result<u64, StoreError> {
    let query =
        data_keys::Entity::delete_many().filter(data_keys::Column::WorkspaceId.eq(workspace.0));
    Ok(query.exec(unit.connection()).await?.rows_affected)
}

fn from_row(row: data_keys::Model) -> Result<Stamped<DataKey>, StoreError> {
    let table_row = TABLE.row(&row.id);
    let key = DataKey {
        uid: DataKeyUid(row.id),
        workspace: WorkspaceUid(row.workspace_id),
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(row.branch_key_id),
            branch_version: table_row.counter("branch_version", row.branch_version)?,
            wrap_revision: table_row.counter("wrap_revision", row.wrap_revision)?,
        },
        wrapped_data_key: row.wrapped_data_key,
        payload: row.payload,
        create_time: time(row.create_time),
    };
    Ok(Stamped::new(key, row.row_mac))
}

fn to_row(key: Stamped<DataKey>) -> data_keys::Model {
    let (key, row_mac) = key.into_unchecked();
    data_keys::Model {
        id: key.uid.0,
        workspace_id: key.workspace.0,
        branch_key_id: key.wrapped_by.branch_key.0,
        branch_version: signed(key.wrapped_by.branch_version),
        wrap_revision: signed(key.wrapped_by.wrap_revision),
        wrapped_data_key: key.wrapped_data_key,
        payload: key.payload,
        create_time: key.create_time.as_micros(),
        row_mac,
    }
}
