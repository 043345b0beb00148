//! `ListWorkspaces`.

use latchkey_contract::vault::v1::{ListWorkspacesRequest, ListWorkspacesResponse};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListWorkspacesRequest,
) -> Result<ListWorkspacesResponse, VaultError> {
    call.authorize_deployment()?;
    let page = call.page(request.page_size, &request.page_token, &[])?;
    let workspaces = vault.list_workspaces(page.after.as_deref(), page.limit());
    let mut listed: Vec<_> = workspaces
        .await?
        .into_iter()
        .filter_map(|workspace| {
            let name = workspace.name()?;
            let message = encode::workspace(&name, &workspace);
            Some((name.workspace.to_string(), message))
        })
        .collect();
    let next_page_token = page.finish(&mut listed, |(slug, _)| slug.clone());
    let workspaces = listed.into_iter().map(|(_, message)| message).collect();
    Ok(ListWorkspacesResponse {
        workspaces,
        next_page_token,
    })
}
