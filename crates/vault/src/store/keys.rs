//! Keys, without their versions.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::ResourceId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::entity::keys;
use super::row::{Table, added_json, json, signed, time};
use super::{Rows, Store, StoreError, Unit};
use crate::domain::key::{Key, KeyState};
use crate::domain::settings::{KeySettings, Retention};
use crate::domain::stamped::Stamped;
use crate::domain::uid::{KeyUid, ProjectUid, WorkspaceUid};

const TABLE: Table = Table("keys");

/// The owner of a key, within which its slug is unique: the project, or else the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Parent {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The project, where it is the owner.
    pub project: Option<ProjectUid>,
}

impl Parent {
    fn id(self) -> Uuid {
        self.project.map_or(self.workspace.0, |project| project.0)
    }
}

/// A row of a list. A row that can't be read as a key must not hide the others.
#[derive(Debug)]
pub struct Listed {
    /// The owner by the row, unchecked: it names a damaged row.
    pub parent: Parent,
    /// The last segment of the name by the row, unchecked too.
    pub slug: String,
    /// The key.
    pub key: Result<Stamped<Key>, StoreError>,
}

/// The key of that name.
pub async fn find(
    rows: &impl Rows,
    parent: Parent,
    slug: &ResourceId,
) -> Result<Option<Stamped<Key>>, StoreError> {
    let query = keys::Entity::find()
        .filter(keys::Column::ParentId.eq(parent.id()))
        .filter(keys::Column::Slug.eq(slug.as_str()));
    query
        .one(rows.connection())
        .await?
        .map(from_row)
        .transpose()
}

/// The key of that identity.
pub async fn find_by_uid(
    rows: &impl Rows,
    uid: KeyUid,
) -> Result<Option<Stamped<Key>>, StoreError> {
    let row = keys::Entity::find_by_id(uid.0)
        .one(rows.connection())
        .await?;
    row.map(from_row).transpose()
}

/// A parent's keys in order of name, after `after`.
pub async fn list(
    rows: &impl Rows,
    parent: Parent,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Listed>, StoreError> {
    let query = keys::Entity::find()
        .filter(keys::Column::ParentId.eq(parent.id()))
        .filter(keys::Column::Slug.gt(after.unwrap_or_default()))
        .order_by_asc(keys::Column::Slug)
        .limit(limit);
    Ok(query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(listed)
        .collect())
}

/// The keys that may serve a request in a scope, the platform's among them: of one provider, or of all.
pub async fn candidates(
    rows: &impl Rows,
    scope: Parent,
    platform: WorkspaceUid,
    provider: Option<ProviderId>,
) -> Result<Vec<Listed>, StoreError> {
    let mut parents = vec![scope.workspace.0, platform.0];
    parents.extend(scope.project.map(|project| project.0));
    let provider = provider.map(|provider| keys::Column::Provider.eq(provider.as_str()));
    let query = keys::Entity::find()
        .filter(keys::Column::WorkspaceId.is_in([scope.workspace.0, platform.0]))
        .filter(keys::Column::ParentId.is_in(parents))
        .filter(Condition::all().add_option(provider))
        .filter(keys::Column::Slug.is_not_null())
        .order_by_asc(keys::Column::Slug);
    Ok(query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(listed)
        .collect())
}

/// Every live key in a workspace, or in one of its projects.
pub async fn all_within(rows: &impl Rows, parent: Parent) -> Result<Vec<Stamped<Key>>, StoreError> {
    let mut within = Condition::all().add(keys::Column::WorkspaceId.eq(parent.workspace.0));
    if let Some(project) = parent.project {
        within = within.add(keys::Column::ProjectId.eq(project.0));
    }
    let query = keys::Entity::find()
        .filter(within)
        .filter(keys::Column::Slug.is_not_null());
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// Stores a new key.
pub async fn insert(unit: &Unit, key: Stamped<Key>) -> Result<(), StoreError> {
    keys::Entity::insert(to_row(key).into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Stores a key whose workspace is locked.
pub async fn update(unit: &Unit, key: Stamped<Key>) -> Result<(), StoreError> {
    let mut row = to_row(key).into_active_model().reset_all();
    row.last_used_time = sea_orm::ActiveValue::NotSet;
    row.update(unit.connection()).await?;
    Ok(())
}

/// Stores the time of the last lease of a key. No lock and no MAC covers it: it only informs.
pub async fn touch(store: &Store, uid: KeyUid, time: Timestamp) -> Result<(), StoreError> {
    keys::Entity::update_many()
        .col_expr(keys::Column::LastUsedTime, Expr::value(time.as_micros()))
        .filter(keys::Column::Id.eq(uid.0))
        .exec(store.connection())
        .await?;
    Ok(())
}

pub(super) fn listed(row: keys::Model) -> Listed {
    let workspace = WorkspaceUid(row.workspace_id);
    let parent = Parent {
        workspace,
        project: row.project_id.map(ProjectUid),
    };
    Listed {
        parent,
        slug: row.slug.clone().unwrap_or_default(),
        key: from_row(row),
    }
}

fn from_row(row: keys::Model) -> Result<Stamped<Key>, StoreError> {
    let table_row = TABLE.row(&row.id);
    // The MAC covers the columns that this one repeats, and not this column.
    let parent = Parent {
        workspace: WorkspaceUid(row.workspace_id),
        project: row.project_id.map(ProjectUid),
    };
    table_row.parse("parent_id", (row.parent_id == parent.id()).then_some(()))?;
    let settings = KeySettings {
        display_name: row.display_name,
        default_model: row.default_model,
        allowed_models: table_row.json("allowed_models", &row.allowed_models)?,
        denied_models: table_row.json("denied_models", &row.denied_models)?,
        priority: table_row.small("priority", row.priority)?,
        weight: table_row.small("weight", row.weight)?,
        expire_time: row.expire_time.map(time),
        labels: table_row.json("labels", &row.labels)?,
        deployments: table_row.added_json("deployments", &row.deployments)?,
        funding: table_row.added_json("funding", &row.funding)?,
        allowed_callers: table_row.added_json("allowed_callers", &row.allowed_callers)?,
        retention: table_row.parse("retention", Retention::from_row(&row.retention))?,
    };
    let key = Key {
        uid: KeyUid(row.id),
        workspace: parent.workspace,
        project: parent.project,
        slug: row
            .slug
            .map(|slug| table_row.parse("slug", slug.parse().ok()))
            .transpose()?,
        provider: table_row.parse("provider", row.provider.parse().ok())?,
        settings,
        state: table_row.parse("state", KeyState::from_row(&row.state))?,
        state_detail: row.state_detail,
        current_version: table_row.counter("current_version", row.current_version)?,
        row_revision: table_row.counter("row_revision", row.row_revision)?,
        create_time: time(row.create_time),
        update_time: time(row.update_time),
        delete_time: row.delete_time.map(time),
        last_used_time: row.last_used_time.map(time),
    };
    Ok(Stamped::new(key, row.row_mac))
}

fn to_row(key: Stamped<Key>) -> keys::Model {
    let (key, row_mac) = key.into_unchecked();
    let parent = Parent {
        workspace: key.workspace,
        project: key.project,
    };
    keys::Model {
        id: key.uid.0,
        workspace_id: key.workspace.0,
        project_id: key.project.map(|project| project.0),
        parent_id: parent.id(),
        slug: key.slug.map(|slug| slug.to_string()),
        provider: key.provider.to_string(),
        display_name: key.settings.display_name,
        default_model: key.settings.default_model,
        allowed_models: json(&key.settings.allowed_models),
        denied_models: json(&key.settings.denied_models),
        labels: json(&key.settings.labels),
        priority: key.settings.priority.into(),
        weight: key.settings.weight.into(),
        expire_time: key.settings.expire_time.map(Timestamp::as_micros),
        state: key.state.as_str().to_owned(),
        state_detail: key.state_detail,
        current_version: signed(key.current_version),
        row_revision: signed(key.row_revision),
        create_time: key.create_time.as_micros(),
        update_time: key.update_time.as_micros(),
        delete_time: key.delete_time.map(Timestamp::as_micros),
        last_used_time: key.last_used_time.map(Timestamp::as_micros),
        deployments: added_json(&key.settings.deployments),
        funding: added_json(&key.settings.funding),
        allowed_callers: added_json(&key.settings.allowed_callers),
        retention: key.settings.retention.as_str().to_owned(),
        row_mac,
    }
}
