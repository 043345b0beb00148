//! `DeleteWorkspace`.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{DeleteWorkspaceRequest, DeleteWorkspaceResponse};

use crate::change::{Change, check_etag};
use crate::error::{Conflict, Container, VaultError};
use crate::services::call::Call;
use crate::services::{encode, keys, members};
use crate::store;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DeleteWorkspaceRequest,
) -> Result<DeleteWorkspaceResponse, VaultError> {
    let name: WorkspaceName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_deployment()?;
    let scope = Scope::Workspace(name.clone());
    let mut change = Change::begin(vault, &KeyParent::Scope(scope), call.act()).await?;
    check_etag(&request.etag, change.head.row_revision)?;

    let uid = change.head.uid;
    let within = store::keys::Parent {
        workspace: uid,
        project: None,
    };
    let found = store::projects::list(&change.unit, uid, None, u64::MAX >> 1).await?;
    let any_key = !store::keys::all_within(&change.unit, within)
        .await?
        .is_empty();
    if !request.force && (any_key || !found.is_empty()) {
        return Err(Conflict::NotEmpty(Container::Workspace).into());
    }
    keys::delete_all(&mut change, &name, within).await?;
    for stamped in found {
        let project = change.keys.check(stamped)?;
        let resource = project
            .name(&name)
            .map(|name| name.to_string())
            .unwrap_or_default();
        let event = change.event(resource);
        let tombstone = change.keys.stamp(project.delete(change.now));
        store::projects::update(&change.unit, tombstone).await?;
        change.record(event).await?;
    }
    members::remove::remove_all(&mut change, &name).await?;
    store::provider_access::delete_all(&change.unit, uid).await?;
    let data_keys = store::data_keys::delete_all(&change.unit, uid).await?;
    let event = change.event(&name).with("data_keys", data_keys);
    change.record(event).await?;
    change.head = change.head.clone().delete(change.now);
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DeleteWorkspaceResponse {
        propagation: Some(encode::propagation(propagation)),
    })
}
