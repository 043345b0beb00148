//! The roles that configuration and workspaces grant in the vault.

use serde::Deserialize;

use super::member::MemberRole;

/// A role in the vault.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the deployment: workspaces, platform keys, the whole audit log.
    Operator,
    /// Owns a workspace: its projects, keys and members.
    Owner,
    /// A router, which leases keys.
    Router,
    /// A member of a workspace, who reads it and its projects. Only workspaces grant this role.
    #[serde(skip)]
    Member,
}

impl latchkey_rpc::access::Role for Role {
    fn is_of_the_deployment(self) -> bool {
        matches!(self, Self::Operator | Self::Router)
    }
}

impl MemberRole {
    /// The vault's roles of a member. A caller has none: it uses keys through a router.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Owner => &[Role::Owner],
            Self::Member => &[Role::Member],
            Self::Caller => &[],
        }
    }
}
