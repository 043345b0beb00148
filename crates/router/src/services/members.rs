//! What the members of a workspace may do at the router.

use std::sync::Arc;

use latchkey_contract::names::WorkspaceName;
use latchkey_rpc::access::Memberships;

use crate::domain::member::MemberRole;
use crate::domain::role::Role;
use crate::error::RouterError;
use crate::keys::Keys;

/// The members of all workspaces, as the vault tells of them.
#[derive(Clone)]
pub(super) struct Members(pub(super) Arc<Keys>);

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
