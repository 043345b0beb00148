//! The member methods of `WorkspaceService`.

mod list;
mod remove;
mod set;
