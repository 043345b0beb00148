//! `LookUpMember`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, member};

use super::session_id;
use crate::domain::member::CallerIdentity;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: LookUpMemberRequest,
) -> Result<LookUpMemberResponse, VaultError> {
    call.authorize_deployment()?;
    let session = vault
        .leasing
        .session(session_id(&request.router_session)?, call.actor())?;
    let name: WorkspaceName = request
        .workspace
        .parse()
        .map_err(VaultError::name("workspace"))?;
    let identity: CallerIdentity = request
        .identity
        .parse()
        .map_err(|error| VaultError::field("identity", error))?;

    let open = vault.workspace_for(&session, Some(&name)).await?;
    let member = open
        .rows(&vault.store)
        .find_member_by_identity(identity.as_str())
        .await?;
    let role = member.map_or(member::Role::Unspecified, |member| {
        encode::member_role(member.role)
    });
    Ok(LookUpMemberResponse {
        role: role.into(),
        revision: Some(encode::scope_revision(&open.workspace)),
    })
}
