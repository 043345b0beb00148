//! A workspace or project: its name, and the identity behind the name.

use latchkey_clock::Timestamp;
use latchkey_contract::names::Scope;
use latchkey_contract::uid::{ProjectUid, WorkspaceUid};

/// A workspace, or a project of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScopeIdentity {
    /// The name.
    pub name: Scope,
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// When the workspace was created.
    pub workspace_create_time: Timestamp,
    /// The project and when it was created; none for a workspace.
    pub project: Option<(ProjectUid, Timestamp)>,
}

impl ScopeIdentity {
    /// The project's identity; none for a workspace.
    pub fn project_uid(&self) -> Option<ProjectUid> {
        self.project.map(|(uid, _)| uid)
    }
}
