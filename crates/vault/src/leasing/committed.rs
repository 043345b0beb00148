//! A change on its way to the routers.

use latchkey_contract::names::{KeyVersionName, RevisionScope};

use crate::domain::uid::WorkspaceUid;
use crate::domain::workspace::Workspace;

/// A committed change, still to be told to the routers.
#[must_use]
pub struct Committed {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// Its name, as revisions are told under.
    pub scope: Option<RevisionScope>,
    /// Its revision now.
    pub revision: u64,
    /// Versions that must not be used for another call.
    pub revoked: Vec<KeyVersionName>,
}

impl Committed {
    /// The last change of a workspace, to be told once more.
    pub(crate) fn again(workspace: &Workspace) -> Self {
        Self {
            workspace: workspace.uid,
            scope: workspace.scope(),
            revision: workspace.revision,
            revoked: Vec::new(),
        }
    }
}
