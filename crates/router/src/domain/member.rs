//! What workspaces let their members do.

use super::role::Role;

/// The role of a member, as the vault keeps it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberRole {
    /// A service that uses the workspace's keys.
    Caller,
    /// Somebody who does.
    Member,
    /// Somebody who manages the workspace.
    Owner,
}

impl MemberRole {
    /// What it is worth here.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Owner => &[Role::Owner, Role::Caller],
            Self::Member | Self::Caller => &[Role::Caller],
        }
    }
}
