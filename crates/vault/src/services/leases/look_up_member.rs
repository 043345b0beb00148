//! `LookUpMember`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{LookUpMemberRequest, LookUpMemberResponse, member};

use super::resolve::{depend_on, revision};
use super::session_id;
use crate::domain::member::CallerIdentity;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::members;
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

    // As in `Resolve`: first the dependency, then the workspace's revision, then what it tells of.
    let mut open = vault.workspace(Some(&name)).await?;
    while !depend_on(&session, &open) {
        open = vault.workspace(Some(&name)).await?;
    }
    let uid = open.workspace.uid;
    let found = members::find_by_identity(&vault.store, uid, identity.as_str()).await?;
    let member = found.map(|found| open.keys.check(found)).transpose()?;
    let role = member.map_or(member::Role::Unspecified, |member| {
        encode::member_role(member.role)
    });
    Ok(LookUpMemberResponse {
        role: role.into(),
        revision: revision(&open),
    })
}
