//! The roles of a workspace's members in the vault.

use std::sync::Arc;

use latchkey_contract::names::WorkspaceName;
use latchkey_rpc::access::Memberships;

use crate::domain::role::Role;
use crate::error::VaultError;
use crate::vault::Vault;

/// The members of all workspaces.
#[derive(Clone)]
pub(in crate::services) struct Members(pub(in crate::services) Arc<Vault>);

impl Memberships<Role> for Members {
    type Scope = WorkspaceName;
    type Error = VaultError;

    async fn roles(
        &self,
        actor: &Arc<str>,
        workspace: &WorkspaceName,
    ) -> Result<&'static [Role], VaultError> {
        let member = self.0.member(workspace, actor).await?;
        Ok(member.map_or(&[], |member| member.role.roles()))
    }
}
