//! The session, and the revisions and memberships that the vault returned in it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use latchkey_contract::uid::WorkspaceUid;
use latchkey_contract::vault::v1::ScopeRevision;

use super::members::Members;
use super::scopes::Scopes;
use super::{RouterSession, VaultClient};

/// A workspace or the platform, and the revision of it that an answer was made at.
pub type Revision = (WorkspaceUid, i64);

/// What changes together.
#[derive(Default)]
pub(super) struct State {
    inner: RwLock<Inner>,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) session: Option<Arc<RouterSession>>,
    /// The newest revision of each workspace that the vault has sent in this session, so that an answer
    /// that was under way meanwhile is recognised as stale.
    newest: HashMap<WorkspaceUid, i64>,
    pub(super) members: Members,
    pub(super) scopes: Scopes,
}

impl State {
    pub(super) fn session(&self) -> Option<Arc<RouterSession>> {
        self.read().session.clone()
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub(super) fn is_current(&self, session: &Arc<RouterSession>, revisions: &[Revision]) -> bool {
        let is_same = |current: &Arc<RouterSession>| Arc::ptr_eq(current, session);
        let is_stale = |(workspace, revision): &Revision| {
            let newest = self.newest.get(workspace);
            newest.is_some_and(|newest| newest > revision)
        };
        self.session.as_ref().is_some_and(is_same) && !revisions.iter().any(is_stale)
    }
}

impl VaultClient {
    /// Whether an answer of a session, made at these revisions, still holds.
    ///
    /// A cache calls it under its own lock when it adds the answer, and drops what a workspace's
    /// invalidation concerns under the same lock. `invalidate` records the revision before that drop, so
    /// the answer is either stale here or dropped there.
    pub fn is_current(&self, session: &Arc<RouterSession>, revisions: &[Revision]) -> bool {
        self.state.read().is_current(session, revisions)
    }

    /// Records a change of a workspace, and drops the look-ups and data keys that it concerns.
    pub(crate) fn invalidate(&self, workspace: WorkspaceUid, revision: i64) {
        let mut state = self.state.write();
        let newest = state.newest.entry(workspace).or_insert(revision);
        *newest = (*newest).max(revision);
        state.members.forget(workspace);
        state.scopes.forget(workspace);
        drop(state);
        self.data_keys.forget(Some(workspace));
    }

    /// Begins a new session. Answers of the one before are no longer valid.
    pub(crate) fn begin_session(&self, session: Arc<RouterSession>) {
        let mut state = self.state.write();
        state.members.forget_all();
        state.scopes.forget_all();
        state.newest.clear();
        state.session = Some(session);
        drop(state);
        self.data_keys.forget(None);
    }

    /// Ends the session because the vault or this router ended it: nothing of it may be used.
    pub(crate) fn end_session(&self) {
        let mut state = self.state.write();
        state.members.forget_all();
        state.scopes.forget_all();
        state.session = None;
        drop(state);
        self.data_keys.forget(None);
    }

    /// The connection broke: what was returned stays usable until its freshness lapses, and nothing
    /// new can be requested.
    pub(crate) fn lose_session(&self) {
        self.state.write().session = None;
    }
}

/// The revision of a message; none where it is malformed.
pub(super) fn decode_revision(message: &ScopeRevision) -> Option<Revision> {
    Some((message.workspace_uid.parse().ok()?, message.revision))
}
