//! Members of workspaces.

use latchkey_contract::names::ResourceId;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::members;
use super::row::{Pair, Table, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::member::{Member, MemberRole};
use crate::domain::stamped::Stamped;
use crate::domain::uid::WorkspaceUid;

const TABLE: Table = Table("members");

/// The member of that name in the workspace.
pub async fn find(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    slug: &ResourceId,
) -> Result<Option<Stamped<Member>>, StoreError> {
    let row = members::Entity::find_by_id((workspace.0, slug.to_string()))
        .one(rows.connection())
        .await?;
    row.map(from_row).transpose()
}

/// The member with that identity in the workspace.
pub async fn find_by_identity(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    identity: &str,
) -> Result<Option<Stamped<Member>>, StoreError> {
    let query = members::Entity::find()
        .filter(members::Column::WorkspaceId.eq(workspace.0))
        .filter(members::Column::Identity.eq(identity));
    query
        .one(rows.connection())
        .await?
        .map(from_row)
        .transpose()
}

/// A workspace's members in order of name, after `after`.
pub async fn list(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Stamped<Member>>, StoreError> {
    let query = members::Entity::find()
        .filter(members::Column::WorkspaceId.eq(workspace.0))
        .filter(members::Column::Slug.gt(after.unwrap_or_default()))
        .order_by_asc(members::Column::Slug)
        .limit(limit);
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// Stores a new member.
pub async fn insert(unit: &Unit, member: Stamped<Member>) -> Result<(), StoreError> {
    members::Entity::insert(to_row(member).into_active_model())
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Stores a member whose workspace is locked.
pub async fn update(unit: &Unit, member: Stamped<Member>) -> Result<(), StoreError> {
    to_row(member)
        .into_active_model()
        .reset_all()
        .update(unit.connection())
        .await?;
    Ok(())
}

/// Deletes a member whose workspace is locked. Only the audit log keeps a trace: every row of the table
/// is a member.
pub async fn delete(unit: &Unit, member: &Member) -> Result<(), StoreError> {
    members::Entity::delete_by_id((member.workspace.0, member.slug.to_string()))
        .exec(unit.connection())
        .await?;
    Ok(())
}

fn from_row(row: members::Model) -> Result<Stamped<Member>, StoreError> {
    let id = Pair(row.workspace_id, &row.slug);
    let table_row = TABLE.row(&id);
    let member = Member {
        workspace: WorkspaceUid(row.workspace_id),
        slug: table_row.parse("slug", row.slug.parse().ok())?,
        identity: table_row.parse("identity", row.identity.parse().ok())?,
        role: table_row.parse("role", MemberRole::from_row(&row.role))?,
        display_name: row.display_name,
        row_revision: table_row.counter("row_revision", row.row_revision)?,
        create_time: time(row.create_time),
        update_time: time(row.update_time),
    };
    Ok(Stamped::new(member, row.row_mac))
}

fn to_row(member: Stamped<Member>) -> members::Model {
    let (member, row_mac) = member.into_unchecked();
    members::Model {
        workspace_id: member.workspace.0,
        slug: member.slug.to_string(),
        identity: member.identity.to_string(),
        role: member.role.as_str().to_owned(),
        display_name: member.display_name,
        row_revision: signed(member.row_revision),
        create_time: member.create_time.as_micros(),
        update_time: member.update_time.as_micros(),
        row_mac,
    }
}
