//! The project methods of `WorkspaceService`, one file each.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod settings;
pub(super) mod update;
