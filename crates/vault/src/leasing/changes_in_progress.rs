//! The changes that this vault commits at the moment. They are in the database a little earlier than
//! they are sent to the routers, and the watch of the heads must not send them in between: the router's
//! confirmation of such a message, which names no revoked version, would count as that of the change.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::uid::WorkspaceUid;

/// The revisions that this vault commits and has not sent yet.
#[derive(Clone, Default)]
pub(crate) struct ChangesInProgress {
    revisions: Arc<Mutex<HashSet<(WorkspaceUid, u64)>>>,
}

/// A change that was not sent yet. Dropping it leaves the change to the watch of the heads.
pub(crate) struct ChangeInProgress {
    changes: ChangesInProgress,
    revision: (WorkspaceUid, u64),
}

impl ChangesInProgress {
    /// Notes a change. Call this before the commit.
    pub(crate) fn begin(&self, workspace: WorkspaceUid, revision: u64) -> ChangeInProgress {
        let revision = (workspace, revision);
        self.lock().insert(revision);
        ChangeInProgress {
            changes: self.clone(),
            revision,
        }
    }

    /// Whether a change of the workspace up to that revision was not sent yet.
    pub(super) fn has_unsent(&self, workspace: WorkspaceUid, revision: u64) -> bool {
        let revisions = self.lock();
        let mut of_workspace = revisions.iter().filter(|(of, _)| *of == workspace);
        of_workspace.any(|(_, unsent)| *unsent <= revision)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(WorkspaceUid, u64)>> {
        self.revisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ChangeInProgress {
    fn drop(&mut self) {
        self.changes.lock().remove(&self.revision);
    }
}
