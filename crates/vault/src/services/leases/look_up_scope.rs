//! `LookUpScope`.

use latchkey_contract::names::{KeyParent, Scope};
use latchkey_contract::vault::v1::{LookUpScopeRequest, LookUpScopeResponse};

use super::session_id;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: LookUpScopeRequest,
) -> Result<LookUpScopeResponse, VaultError> {
    call.authorize_deployment()?;
    let session = vault
        .leasing
        .session(session_id(&request.router_session)?, call.actor())?;
    let scope: Scope = request.scope.parse().map_err(VaultError::name("scope"))?;

    let open = vault
        .workspace_for(&session, Some(scope.workspace()))
        .await?;
    let parent = vault.parent_in(open, &KeyParent::Scope(scope)).await?;
    let (workspace, project) = (&parent.open.workspace, parent.project.as_ref());
    Ok(LookUpScopeResponse {
        revision: Some(encode::scope_revision(workspace)),
        project_uid: project
            .map(|project| project.uid.to_string())
            .unwrap_or_default(),
        workspace_create_time: Some(encode::time(workspace.create_time)),
        project_create_time: project.map(|project| encode::time(project.create_time)),
    })
}
