//! `GetWorkspace`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{GetWorkspaceRequest, Workspace as Message};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: GetWorkspaceRequest,
) -> Result<Message, VaultError> {
    let name: WorkspaceName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize(&name).await?;
    let open = vault.workspace(Some(&name)).await?;
    Ok(encode::workspace(&name, &open.workspace))
}
