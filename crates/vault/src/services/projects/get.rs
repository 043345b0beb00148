//! `GetProject`.

use latchkey_contract::names::ProjectName;
use latchkey_contract::vault::v1::{GetProjectRequest, Project as Message};

use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: GetProjectRequest,
) -> Result<Message, VaultError> {
    let name: ProjectName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize(&name.workspace).await?;
    let open = vault.workspace(Some(&name.workspace)).await?;
    let project = open.rows(&vault.store).project(&name.project).await?;
    Ok(encode::project(&name, &project))
}
