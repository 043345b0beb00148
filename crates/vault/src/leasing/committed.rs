//! A committed change that the routers have not confirmed yet.

use latchkey_contract::names::RevisionScope;

use super::changes_in_progress::ChangeInProgress;
use crate::domain::uid::{KeyVersionUid, WorkspaceUid};
use crate::domain::workspace::Workspace;

/// A committed change, to be propagated to the routers.
#[must_use]
pub struct Committed {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// Its name, for people; `None` for a workspace that was deleted before.
    pub scope: Option<RevisionScope>,
    /// The revision of the change.
    pub revision: u64,
    /// Versions that no router may use for another call.
    pub revoked: Vec<KeyVersionUid>,
    /// Keeps the watch of the heads from sending the change too. `None` for a change that was
    /// propagated before.
    pub(crate) in_progress: Option<ChangeInProgress>,
}

impl Committed {
    /// The last change of a workspace, to be propagated once more.
    pub(crate) fn again(workspace: &Workspace) -> Self {
        Self {
            workspace: workspace.uid,
            scope: workspace.scope(),
            revision: workspace.revision,
            revoked: Vec::new(),
            in_progress: None,
        }
    }
}
