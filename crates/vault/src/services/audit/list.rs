//! `ListAuditEvents`.

use latchkey_contract::names::{KeyParent, RevisionScope, Scope};
use latchkey_contract::vault::v1::{ListAuditEventsRequest, ListAuditEventsResponse};
use latchkey_rpc::page::PageTokenError;

use crate::domain::uid::WorkspaceUid;
use crate::error::{Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::store::{audit_events, workspaces};
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListAuditEventsRequest,
) -> Result<ListAuditEventsResponse, VaultError> {
    let uid = read_log(vault, call, &request).await?;
    let bound = [&*request.parent, &*request.workspace_uid];
    let page = call.page(request.page_size, &request.page_token, &bound)?;
    let Ok(before) = page.after.as_deref().map(str::parse).transpose() else {
        return Err(PageTokenError.into());
    };
    let mut events = audit_events::list(&vault.store, uid, before, page.limit()).await?;
    let next_page_token = page.finish(&mut events, |event| event.sequence.to_string());
    let audit_events = events.into_iter().map(encode::audit_event).collect();
    Ok(ListAuditEventsResponse {
        audit_events,
        next_page_token,
    })
}

/// Reads the fields `parent` and `workspace_uid`, of which one must be set, and checks that the caller may
/// read the log.
async fn read_log(
    vault: &Vault,
    call: &Call,
    request: &ListAuditEventsRequest,
) -> Result<WorkspaceUid, VaultError> {
    if request.workspace_uid.is_empty() {
        let scope = request.parent.parse();
        let parent = match scope.map_err(VaultError::name("parent"))? {
            RevisionScope::Platform => KeyParent::Platform,
            RevisionScope::Workspace(name) => KeyParent::Scope(Scope::Workspace(name)),
        };
        call.authorize_parent(&parent).await?;
        return Ok(vault.workspace(parent.workspace()).await?.workspace.uid);
    }
    call.authorize_deployment()?;
    if !request.parent.is_empty() {
        let problem = "must be empty when `workspace_uid` is set";
        return Err(VaultError::field("parent", problem));
    }
    let uid = request.workspace_uid.parse();
    let uid = uid.map_err(|error| VaultError::field("workspace_uid", error))?;
    match workspaces::find_by_uid(&vault.store, uid).await? {
        Some(_) => Ok(uid),
        None => Err(VaultError::NotFound(Noun::Workspace)),
    }
}
