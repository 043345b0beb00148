//! The availability of providers: for all workspaces in the platform's rows, for one workspace in its
//! own.

use latchkey_contract::ProviderId;
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, Iterable as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::entity::{keys, provider_access};
use super::row::{Pair, Row, Table, json, signed, time};
use super::{Rows, StoreError, Unit};
use crate::domain::availability::{ProviderAccess, ProviderTerms};
use crate::domain::stamped::Stamped;
use crate::domain::uid::WorkspaceUid;

const TABLE: Table = Table("provider_access");

/// The rows of these workspaces for one provider, or for all, in the order of the providers' ids.
pub async fn list(
    rows: &impl Rows,
    workspaces: &[WorkspaceUid],
    provider: Option<ProviderId>,
) -> Result<Vec<Stamped<ProviderAccess>>, StoreError> {
    let ids = workspaces.iter().map(|workspace| workspace.0);
    let mut query = provider_access::Entity::find()
        .filter(provider_access::Column::WorkspaceId.is_in(ids))
        .order_by_asc(provider_access::Column::Provider);
    if let Some(provider) = provider {
        query = query.filter(provider_access::Column::Provider.eq(provider.as_str()));
    }
    query
        .all(rows.connection())
        .await?
        .into_iter()
        .map(from_row)
        .collect()
}

/// Stores a new or changed row whose workspace is locked.
pub async fn put(unit: &Unit, access: Stamped<ProviderAccess>) -> Result<(), StoreError> {
    let key = [
        provider_access::Column::WorkspaceId,
        provider_access::Column::Provider,
    ];
    let replace = OnConflict::columns(key)
        .update_columns(provider_access::Column::iter())
        .to_owned();
    provider_access::Entity::insert(to_row(access).into_active_model())
        .on_conflict(replace)
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Deletes the row of a workspace for a provider.
pub async fn delete(
    unit: &Unit,
    workspace: WorkspaceUid,
    provider: ProviderId,
) -> Result<(), StoreError> {
    provider_access::Entity::delete_by_id((workspace.0, provider.to_string()))
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// Deletes all rows of a workspace.
pub async fn delete_all(unit: &Unit, workspace: WorkspaceUid) -> Result<(), StoreError> {
    provider_access::Entity::delete_many()
        .filter(provider_access::Column::WorkspaceId.eq(workspace.0))
        .exec(unit.connection())
        .await?;
    Ok(())
}

/// The workspaces that a switch of own keys for all workspaces affects: they have own keys of the
/// provider, and no switch of their own. In the order of their identities.
pub async fn affected(
    rows: &impl Rows,
    platform: WorkspaceUid,
    provider: ProviderId,
) -> Result<Vec<WorkspaceUid>, StoreError> {
    let uids: Vec<Uuid> = without_switch(platform, provider)
        .into_tuple()
        .all(rows.connection())
        .await?;
    Ok(uids.into_iter().map(WorkspaceUid).collect())
}

fn without_switch(platform: WorkspaceUid, provider: ProviderId) -> Select<keys::Entity> {
    let with_a_switch = Query::select()
        .column(provider_access::Column::WorkspaceId)
        .from(provider_access::Entity)
        .and_where(provider_access::Column::Provider.eq(provider.as_str()))
        .and_where(provider_access::Column::OwnKeys.is_not_null())
        .take();
    keys::Entity::find()
        .select_only()
        .column(keys::Column::WorkspaceId)
        .distinct()
        .filter(keys::Column::Provider.eq(provider.as_str()))
        .filter(keys::Column::DeleteTime.is_null())
        .filter(keys::Column::WorkspaceId.ne(platform.0))
        .filter(keys::Column::WorkspaceId.not_in_subquery(with_a_switch))
        .order_by_asc(keys::Column::WorkspaceId)
}

/// Whether a workspace, or a project in it, has a live key of a provider.
pub async fn has_own_key(
    rows: &impl Rows,
    workspace: WorkspaceUid,
    provider: ProviderId,
) -> Result<bool, StoreError> {
    let row: Option<i32> = keys::Entity::find()
        .select_only()
        .expr(Expr::cust("1"))
        .filter(keys::Column::WorkspaceId.eq(workspace.0))
        .filter(keys::Column::Provider.eq(provider.as_str()))
        .filter(keys::Column::Slug.is_not_null())
        .into_tuple()
        .one(rows.connection())
        .await?;
    Ok(row.is_some())
}

const ON: &str = "on";
const OFF: &str = "off";

fn switch(
    row: Row<'_>,
    column: &'static str,
    value: Option<&str>,
) -> Result<Option<bool>, StoreError> {
    match value {
        None => Ok(None),
        Some(ON) => Ok(Some(true)),
        Some(OFF) => Ok(Some(false)),
        Some(_) => row.parse(column, None),
    }
}

fn from_row(row: provider_access::Model) -> Result<Stamped<ProviderAccess>, StoreError> {
    let id = Pair(row.workspace_id, &row.provider);
    let table_row = TABLE.row(&id);
    let terms = ProviderTerms {
        own_keys: switch(table_row, "own_keys", row.own_keys.as_deref())?,
        chat: switch(table_row, "chat", row.chat.as_deref())?,
        embeddings: switch(table_row, "embeddings", row.embeddings.as_deref())?,
        images: switch(table_row, "images", row.images.as_deref())?,
        allowed_models: table_row.json("allowed_models", &row.allowed_models)?,
        denied_models: table_row.json("denied_models", &row.denied_models)?,
        default_model: row.default_model,
    };
    let access = ProviderAccess {
        workspace: WorkspaceUid(row.workspace_id),
        provider: table_row.parse("provider", row.provider.parse().ok())?,
        terms,
        row_revision: table_row.counter("row_revision", row.row_revision)?,
        update_time: time(row.update_time),
    };
    Ok(Stamped::new(access, row.row_mac))
}

fn to_row(access: Stamped<ProviderAccess>) -> provider_access::Model {
    let (access, row_mac) = access.into_unchecked();
    let switch = |value: Option<bool>| value.map(|on| if on { ON } else { OFF }.to_owned());
    let terms = access.terms;
    provider_access::Model {
        workspace_id: access.workspace.0,
        provider: access.provider.to_string(),
        own_keys: switch(terms.own_keys),
        chat: switch(terms.chat),
        embeddings: switch(terms.embeddings),
        images: switch(terms.images),
        allowed_models: json(&terms.allowed_models),
        denied_models: json(&terms.denied_models),
        default_model: terms.default_model,
        row_revision: signed(access.row_revision),
        update_time: access.update_time.as_micros(),
        row_mac,
    }
}

#[cfg(test)]
mod tests;
