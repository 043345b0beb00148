//! `ListAuditEvents`.

use latchkey_contract::names::{KeyParent, RevisionScope, Scope};
use latchkey_contract::vault::v1::{ListAuditEventsRequest, ListAuditEventsResponse};
use latchkey_rpc::page::PageTokenError;

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::audit_events;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListAuditEventsRequest,
) -> Result<ListAuditEventsResponse, VaultError> {
    let scope: RevisionScope = request.parent.parse().map_err(VaultError::name("parent"))?;
    let parent = match scope {
        RevisionScope::Platform => KeyParent::Platform,
        RevisionScope::Workspace(name) => KeyParent::Scope(Scope::Workspace(name)),
    };
    call.authorize_parent(&parent).await?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let Ok(before) = page.after.as_deref().map(str::parse).transpose() else {
        return Err(PageTokenError.into());
    };
    let open = vault.workspace(parent.workspace()).await?;
    let uid = open.workspace.uid;
    let mut events = audit_events::list(&vault.store, uid, before, page.limit()).await?;
    let next_page_token = page.finish(&mut events, |event| event.sequence.to_string());
    let audit_events = events.into_iter().map(encode::audit_event).collect();
    Ok(ListAuditEventsResponse {
        audit_events,
        next_page_token,
    })
}
