//! The roles that configuration and workspaces grant in the vault.

use serde::Deserialize;

use super::member::MemberRole;

/// What an identity may be to the vault.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the deployment: workspaces, platform keys, the whole audit.
    Operator,
    /// Owns a workspace: its projects, keys and members.
    Owner,
    /// A router: borrows keys.
    Router,
    /// Belongs to a workspace: sees it and its projects. Workspaces alone grant it.
    #[serde(skip)]
    Member,
}

impl latchkey_rpc::access::Role for Role {}

impl MemberRole {
    /// What it is worth here. A service uses keys, and that is done at the router.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Owner => &[Role::Owner],
            Self::Member => &[Role::Member],
            Self::Caller => &[],
        }
    }
}
