//! `ListWorkspaces`.

use latchkey_contract::vault::v1::{ListWorkspacesRequest, ListWorkspacesResponse};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::workspaces;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListWorkspacesRequest,
) -> Result<ListWorkspacesResponse, VaultError> {
    call.authorize_deployment()?;
    let page = call.page(request.page_size, &request.page_token, &[])?;
    let found = workspaces::list(&vault.store, page.after.as_deref(), page.limit()).await?;
    let mut listed = Vec::with_capacity(found.len());
    for stamped in found {
        let keys = vault
            .custody
            .keys_of(&vault.store, stamped.peek().uid)
            .await?;
        let workspace = keys.check(stamped)?;
        if let Some(name) = workspace.name() {
            listed.push((
                name.workspace.to_string(),
                encode::workspace(&name, &workspace),
            ));
        }
    }
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let workspaces = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListWorkspacesResponse {
        workspaces,
        next_page_token,
    })
}
