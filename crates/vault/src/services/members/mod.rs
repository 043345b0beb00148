//! The member methods of `WorkspaceService`, one file each, and what a membership is worth here.

pub(super) mod access;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod set;
