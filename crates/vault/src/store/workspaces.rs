//! Workspaces, the platform among them, and the deployment.

use latchkey_clock::Timestamp;
use latchkey_contract::names::ResourceId;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::{deployment, workspaces};
use super::row::{Table, added_json, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::fallback::Fallback;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{DeploymentUid, WorkspaceUid};
use crate::domain::workspace::{Workspace, WorkspaceSlug};

/// The slug of the platform. It is not a valid resource id.
const PLATFORM: &str = "@platform";
const TABLE: Table = Table("workspaces");

/// The identity of the deployment; `None` before the bootstrap.
pub async fn deployment(rows: &impl Rows) -> Result<Option<DeploymentUid>, StoreError> {
    let row = deployment::Entity::find_by_id(1)
        .one(rows.connection())
        .await?;
    Ok(row.map(|row| DeploymentUid(row.id)))
}

/// Gives the deployment its identity.
pub async fn insert_deployment(
    unit: &Unit,
    id: DeploymentUid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = deployment::Model {
        singleton: 1,
        id: id.0,
        create_time: now.as_micros(),
    };
    deployment::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// The workspace of that name; the platform for `None`.
pub async fn find(
    rows: &impl Rows,
    slug: Option<&ResourceId>,
) -> Result<Option<Stamped<Workspace>>, StoreError> {
    let row = by_slug(slug).one(rows.connection()).await?;
    row.map(from_row).transpose()
}

/// The workspace of that identity.
pub async fn find_by_uid(
    rows: &impl Rows,
    uid: WorkspaceUid,
) -> Result<Option<Stamped<Workspace>>, StoreError> {
    let row = workspaces::Entity::find_by_id(uid.0)
        .one(rows.connection())
        .await?;
    row.map(from_row).transpose()
}

/// Like [`find`], and locks the head row until the unit ends: changes of one workspace take turns.
pub async fn lock(
    unit: &Unit,
    slug: Option<&ResourceId>,
) -> Result<Option<Stamped<Workspace>>, StoreError> {
    let row = by_slug(slug)
        .lock_exclusive()
        .one(unit.connection())
        .await?;
    row.map(from_row).transpose()
}

/// The workspace of that identity, locked.
pub async fn lock_by_uid(
    unit: &Unit,
    uid: WorkspaceUid,
) -> Result<Option<Stamped<Workspace>>, StoreError> {
    let query = workspaces::Entity::find_by_id(uid.0).lock_exclusive();
    query
        .one(unit.connection())
        .await?
        .map(from_row)
        .transpose()
}

/// Customers' workspaces in order of name, after `after`.
pub async fn list(
    rows: &impl Rows,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Stamped<Workspace>>, StoreError> {
    // The slug of a deleted workspace is null and never greater. The position of the platform's slug
    // depends on the database's collation.
    let query = workspaces::Entity::find()
        .filter(workspaces::Column::Slug.gt(after.unwrap_or_default()))
        .filter(workspaces::Column::Slug.ne(PLATFORM))
        .order_by_asc(workspaces::Column::Slug)
        .limit(limit);
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// The identities and revisions of some workspaces.
pub async fn revisions(
    rows: &impl Rows,
    uids: &[WorkspaceUid],
) -> Result<Vec<(WorkspaceUid, u64)>, StoreError> {
    let heads: Vec<(Uuid, i64)> = workspaces::Entity::find()
        .select_only()
        .columns([workspaces::Column::Id, workspaces::Column::Revision])
        .filter(workspaces::Column::Id.is_in(uids.iter().map(|uid| uid.0)))
        .into_tuple()
        .all(rows.connection())
        .await?;
    let parse = |(id, revision)| {
        let revision = TABLE.row(&id).counter("revision", revision)?;
        Ok((WorkspaceUid(id), revision))
    };
    heads.into_iter().map(parse).collect()
}

/// Stores a new workspace.
pub async fn insert(unit: &Unit, workspace: Stamped<Workspace>) -> Result<(), StoreError> {
    let row = to_row(workspace);
    workspaces::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Stores a workspace that is locked.
pub async fn update(unit: &Unit, workspace: Stamped<Workspace>) -> Result<(), StoreError> {
    let row = to_row(workspace).into_active_model().reset_all();
    row.update(unit.connection()).await?;
    Ok(())
}

fn by_slug(slug: Option<&ResourceId>) -> sea_orm::Select<workspaces::Entity> {
    let slug = slug.map_or(PLATFORM, ResourceId::as_str);
    workspaces::Entity::find().filter(workspaces::Column::Slug.eq(slug))
}

fn from_row(row: workspaces::Model) -> Result<Stamped<Workspace>, StoreError> {
    let table_row = TABLE.row(&row.id);
    let slug = match row.slug.as_deref() {
        None => WorkspaceSlug::Deleted,
        Some(PLATFORM) => WorkspaceSlug::Platform,
        Some(slug) => WorkspaceSlug::Customer(table_row.parse("slug", slug.parse().ok())?),
    };
    let fallbacks: Vec<String> = table_row.added_json("fallbacks", &row.fallbacks)?;
    let fallbacks: Result<Vec<Fallback>, _> =
        fallbacks.iter().map(|fallback| fallback.parse()).collect();
    let (funding, rules) = table_row.added_json("policy", &row.policy)?;
    let workspace = Workspace {
        uid: WorkspaceUid(row.id),
        slug,
        display_name: row.display_name,
        fallbacks: table_row.parse("fallbacks", fallbacks.ok())?,
        funding,
        rules,
        revision: table_row.counter("revision", row.revision)?,
        audit_sequence: table_row.counter("audit_sequence", row.audit_sequence)?,
        row_revision: table_row.counter("row_revision", row.row_revision)?,
        create_time: time(row.create_time),
        update_time: time(row.update_time),
        delete_time: row.delete_time.map(time),
    };
    Ok(Stamped::new(workspace, row.row_mac))
}

fn to_row(workspace: Stamped<Workspace>) -> workspaces::Model {
    let (workspace, row_mac) = workspace.into_unchecked();
    let slug = match workspace.slug {
        WorkspaceSlug::Deleted => None,
        WorkspaceSlug::Platform => Some(PLATFORM.to_owned()),
        WorkspaceSlug::Customer(id) => Some(id.to_string()),
    };
    let fallbacks: Vec<_> = workspace
        .fallbacks
        .iter()
        .map(ToString::to_string)
        .collect();
    workspaces::Model {
        id: workspace.uid.0,
        slug,
        display_name: workspace.display_name,
        revision: signed(workspace.revision),
        audit_sequence: signed(workspace.audit_sequence),
        row_revision: signed(workspace.row_revision),
        create_time: workspace.create_time.as_micros(),
        update_time: workspace.update_time.as_micros(),
        delete_time: workspace.delete_time.map(Timestamp::as_micros),
        fallbacks: added_json(&fallbacks),
        policy: added_json(&(workspace.funding, workspace.rules)),
        row_mac,
    }
}
