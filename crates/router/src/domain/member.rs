//! The roles of a workspace's members.

use super::role::Role;

/// The role of a member, as the vault stores it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberRole {
    /// A service that uses the workspace's keys.
    Caller,
    /// A person who uses the workspace's keys.
    Member,
    /// A person who manages the workspace.
    Owner,
}

impl MemberRole {
    /// The roles in the router that the member's role includes.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Owner => &[Role::Owner, Role::Caller],
            Self::Member | Self::Caller => &[Role::Caller],
        }
    }
}
