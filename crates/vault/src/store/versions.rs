//! Sealed versions of keys.

use latchkey_clock::Timestamp;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _,
};

use super::entity::key_versions;
use super::row::{Pair, Table, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::destination::Destination;
use crate::domain::key::Key;
use crate::domain::material::SecretKind;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{BranchKeyUid, KeyUid, WorkspaceUid};
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::{KeyVersion, VersionState, WrappedBy};

const TABLE: Table = Table("key_versions");

/// A version of a key.
pub async fn find(
    rows: &impl Rows,
    key: KeyUid,
    version: u64,
) -> Result<Option<Stamped<KeyVersion>>, StoreError> {
    let query = key_versions::Entity::find_by_id((key.0, signed(version)));
    query
        .one(rows.connection())
        .await?
        .map(from_row)
        .transpose()
}

/// The current version of each key, in no order. A row that can't be read as a version is left out.
pub async fn current_of(
    rows: &impl Rows,
    keys: &[&Key],
) -> Result<Vec<Stamped<KeyVersion>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let current = keys.iter().fold(Condition::any(), |any, key| {
        let one = Condition::all()
            .add(key_versions::Column::KeyId.eq(key.uid.0))
            .add(key_versions::Column::Version.eq(signed(key.current_version)));
        any.add(one)
    });
    let rows = key_versions::Entity::find()
        .filter(current)
        .all(rows.connection())
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| from_row(row).ok())
        .collect())
}

/// The keys of a workspace whose current version has this fingerprint.
pub async fn holders(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    fingerprint: [u8; 16],
) -> Result<Vec<KeyUid>, StoreError> {
    let query = key_versions::Entity::find()
        .filter(key_versions::Column::WorkspaceId.eq(workspace.0))
        .filter(key_versions::Column::Fingerprint.eq(fingerprint.to_vec()))
        .filter(key_versions::Column::State.eq(VersionState::Current.as_str()));
    let rows = query.all(rows.connection()).await?;
    Ok(rows.into_iter().map(|row| KeyUid(row.key_id)).collect())
}

/// Stores a new version.
pub async fn insert(unit: &Unit, version: Stamped<KeyVersion>) -> Result<(), StoreError> {
    let row = to_row(version);
    key_versions::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Stores a version whose workspace is locked.
pub async fn update(unit: &Unit, version: Stamped<KeyVersion>) -> Result<(), StoreError> {
    to_row(version)
        .into_active_model()
        .reset_all()
        .update(unit.connection())
        .await?;
    Ok(())
}

pub(super) fn from_row(row: key_versions::Model) -> Result<Stamped<KeyVersion>, StoreError> {
    let id = Pair(row.key_id, row.version);
    let table_row = TABLE.row(&id);
    let version = KeyVersion {
        key: KeyUid(row.key_id),
        version: table_row.counter("version", row.version)?,
        workspace: WorkspaceUid(row.workspace_id),
        state: table_row.parse("state", VersionState::from_row(&row.state))?,
        destination: Destination::from_row(
            row.base_url,
            row.location,
            row.cloud_project,
            row.api_version,
        ),
        secret_kind: table_row.parse("secret_kind", SecretKind::from_row(&row.secret_kind))?,
        material_tail: row.material_tail,
        fingerprint: table_row.parse("fingerprint", row.fingerprint.try_into().ok())?,
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(row.branch_key_id),
            branch_version: table_row.counter("branch_version", row.branch_version)?,
            wrap_revision: table_row.counter("wrap_revision", row.wrap_revision)?,
        },
        wrapped_data_key: row.wrapped_data_key,
        payload: row.payload,
        verification: Verification {
            grade: table_row.parse(
                "verification_grade",
                Grade::from_row(&row.verification_grade),
            )?,
            detail: row.verification_detail,
            time: time(row.verify_time),
        },
        create_time: time(row.create_time),
        destroy_time: row.destroy_time.map(time),
    };
    Ok(Stamped::new(version, row.row_mac))
}

fn to_row(version: Stamped<KeyVersion>) -> key_versions::Model {
    let (version, row_mac) = version.into_unchecked();
    key_versions::Model {
        key_id: version.key.0,
        version: signed(version.version),
        workspace_id: version.workspace.0,
        state: version.state.as_str().to_owned(),
        base_url: version.destination.base_url().to_owned(),
        secret_kind: version.secret_kind.as_str().to_owned(),
        material_tail: version.material_tail,
        fingerprint: version.fingerprint.to_vec(),
        branch_key_id: version.wrapped_by.branch_key.0,
        branch_version: signed(version.wrapped_by.branch_version),
        wrap_revision: signed(version.wrapped_by.wrap_revision),
        wrapped_data_key: version.wrapped_data_key,
        payload: version.payload,
        verification_grade: version.verification.grade.as_str().to_owned(),
        verification_detail: version.verification.detail,
        verify_time: version.verification.time.as_micros(),
        create_time: version.create_time.as_micros(),
        destroy_time: version.destroy_time.map(Timestamp::as_micros),
        location: version.destination.location().to_owned(),
        cloud_project: version.destination.cloud_project().to_owned(),
        api_version: version.destination.api_version().to_owned(),
        row_mac,
    }
}
