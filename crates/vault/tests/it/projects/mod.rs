//! The project methods of `WorkspaceService`.

mod create;
mod delete;
mod get;
mod list;
mod update;
