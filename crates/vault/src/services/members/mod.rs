//! The member methods of `WorkspaceService`, one file each, and the roles of members in the vault.

pub(super) mod list;
pub(super) mod memberships;
pub(super) mod remove;
pub(super) mod set;
