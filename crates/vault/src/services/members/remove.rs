//! `RemoveMember`.

use latchkey_contract::names::{KeyParent, MemberName, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{RemoveMemberRequest, RemoveMemberResponse};

use crate::change::{Change, check_etag};
use crate::domain::member::Member;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::members;
use crate::vault::Vault;

pub(in crate::services) async fn handle(
    vault: &Vault,
    call: &Call,
    request: RemoveMemberRequest,
) -> Result<RemoveMemberResponse, VaultError> {
    let name: MemberName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize(&name.workspace).await?;
    let parent = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    let member = change.rows().member(&name.member).await?;
    check_etag(&request.etag, member.row_revision)?;
    remove(&mut change, &name.workspace, &member).await?;
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(RemoveMemberResponse {
        propagation: Some(encode::propagation(propagation)),
    })
}

/// Removes every member of a workspace.
pub(in crate::services) async fn remove_all(
    change: &mut Change,
    workspace: &WorkspaceName,
) -> Result<(), VaultError> {
    for member in change.rows().list_members(None, u64::MAX >> 1).await? {
        remove(change, workspace, &member).await?;
    }
    Ok(())
}

async fn remove(
    change: &mut Change,
    workspace: &WorkspaceName,
    member: &Member,
) -> Result<(), VaultError> {
    members::delete(&change.unit, member).await?;
    let event = change
        .event(member.name(workspace))
        .with("identity", &member.identity)
        .with("role", member.role.as_str());
    change.record(event).await
}
