//! Memberships of workspaces, for the access layer.

use std::sync::Arc;

use latchkey_contract::names::WorkspaceName;
use latchkey_rpc::access::Memberships;

use crate::domain::member::MemberRole;
use crate::domain::role::Role;
use crate::error::RouterError;
use crate::vault_client::VaultClient;

/// The members of all workspaces, from the vault.
#[derive(Clone)]
pub(super) struct Members(pub(super) Arc<VaultClient>);

impl Memberships<Role> for Members {
    type Scope = WorkspaceName;
    type Error = RouterError;

    async fn roles(
        &self,
        actor: &Arc<str>,
        workspace: &WorkspaceName,
    ) -> Result<&'static [Role], RouterError> {
        let role = self.0.member_role(workspace, actor).await?;
        Ok(role.map_or(&[], MemberRole::roles))
    }
}
