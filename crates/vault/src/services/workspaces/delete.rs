//! `DeleteWorkspace`.

use latchkey_contract::names::WorkspaceName;
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
    let (mut change, platform) = Change::begin_under_platform(vault, &name, call.act()).await?;
    check_etag(&request.etag, change.head.row_revision)?;

    let uid = change.head.uid;
    let within = store::keys::Parent {
        workspace: uid,
        project: None,
    };
    let projects = store::projects::list(&change.unit, uid, None, 1).await?;
    let keys_within = store::keys::all_within(&change.unit, within).await?;
    let is_empty = keys_within.is_empty() && projects.is_empty();
    if !request.force && !is_empty {
        return Err(Conflict::NotEmpty(Container::Workspace).into());
    }
    keys::delete::shred_all(&mut change, within).await?;
    for project in change.rows().list_projects(None, u64::MAX >> 1).await? {
        let resource = project
            .name(&name)
            .map(|name| name.to_string())
            .unwrap_or_default();
        let event = change.event(resource);
        change.put_project(project.delete(change.now)).await?;
        change.record(event).await?;
    }
    members::remove::remove_all(&mut change, &name).await?;
    store::provider_access::delete_all(&change.unit, uid).await?;
    let data_keys = store::data_keys::delete_all(&change.unit, uid).await?;
    let event = change.event(&name).with("data_keys", data_keys);
    let event = event.with("uid", uid);
    // The workspace's own log can't be found by its name from now on.
    change.record_in(platform, event.clone()).await?;
    change.record(event).await?;
    change.head = change.head.clone().delete(change.now);
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DeleteWorkspaceResponse {
        propagation: Some(encode::propagation(propagation)),
    })
}
