//! Projects.

use latchkey_clock::Timestamp;
use latchkey_contract::names::ResourceId;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::projects;
use super::row::{Table, added_json, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::stamped::Stamped;
use crate::domain::uid::{ProjectUid, WorkspaceUid};
use crate::domain::workspace::Project;

const TABLE: Table = Table("projects");

/// The project of that name in the workspace.
pub async fn find(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    slug: &ResourceId,
) -> Result<Option<Stamped<Project>>, StoreError> {
    let query = projects::Entity::find()
        .filter(projects::Column::WorkspaceId.eq(workspace.0))
        .filter(projects::Column::Slug.eq(slug.as_str()));
    query
        .one(rows.connection())
        .await?
        .map(from_row)
        .transpose()
}

/// The project of that identity.
pub async fn find_by_uid(
    rows: &impl Rows,
    uid: ProjectUid,
) -> Result<Option<Stamped<Project>>, StoreError> {
    let row = projects::Entity::find_by_id(uid.0)
        .one(rows.connection())
        .await?;
    row.map(from_row).transpose()
}

/// A workspace's projects in order of name, after `after`.
pub async fn list(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Stamped<Project>>, StoreError> {
    let query = projects::Entity::find()
        .filter(projects::Column::WorkspaceId.eq(workspace.0))
        .filter(projects::Column::Slug.gt(after.unwrap_or_default()))
        .order_by_asc(projects::Column::Slug)
        .limit(limit);
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// Stores a new project.
pub async fn insert(unit: &Unit, project: Stamped<Project>) -> Result<(), StoreError> {
    let row = to_row(project);
    projects::Entity::insert(row.into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Stores a project whose workspace is locked.
pub async fn update(unit: &Unit, project: Stamped<Project>) -> Result<(), StoreError> {
    to_row(project)
        .into_active_model()
        .reset_all()
        .update(unit.connection())
        .await?;
    Ok(())
}

fn from_row(row: projects::Model) -> Result<Stamped<Project>, StoreError> {
    let table_row = TABLE.row(&row.id);
    let slug = row
        .slug
        .map(|slug| table_row.parse("slug", slug.parse().ok()))
        .transpose()?;
    let (funding, rules) = table_row.added_json("policy", &row.policy)?;
    let project = Project {
        uid: ProjectUid(row.id),
        workspace: WorkspaceUid(row.workspace_id),
        slug,
        display_name: row.display_name,
        funding,
        rules,
        row_revision: table_row.counter("row_revision", row.row_revision)?,
        create_time: time(row.create_time),
        update_time: time(row.update_time),
        delete_time: row.delete_time.map(time),
    };
    Ok(Stamped::new(project, row.row_mac))
}

fn to_row(project: Stamped<Project>) -> projects::Model {
    let (project, row_mac) = project.into_unchecked();
    projects::Model {
        id: project.uid.0,
        workspace_id: project.workspace.0,
        slug: project.slug.map(|slug| slug.to_string()),
        display_name: project.display_name,
        row_revision: signed(project.row_revision),
        create_time: project.create_time.as_micros(),
        update_time: project.update_time.as_micros(),
        delete_time: project.delete_time.map(Timestamp::as_micros),
        policy: added_json(&(project.funding, project.rules)),
        row_mac,
    }
}
