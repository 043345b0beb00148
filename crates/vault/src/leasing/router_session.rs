//! One router's session.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyVersionName, RevisionScope};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::lease::{LeaseId, LeaseRecord};
use super::verification_tasks::PendingTask;
use crate::domain::uid::WorkspaceUid;

/// Identifies a session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SessionId(pub Uuid);

/// A session that is not in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionError {
    /// It was ended because it did not answer in time.
    #[error("the session was ended: attach again")]
    Fenced,
    /// The stream did not begin with Hello.
    #[error("the first message must be hello")]
    HelloRequired,
    /// There is no such session of this router.
    #[error("there is no such session: attach first")]
    Unknown,
}

/// Something that a router must be told.
pub enum SessionMessage {
    /// A scope has changed.
    Invalidate {
        /// The scope.
        scope: RevisionScope,
        /// Its revision now.
        revision: u64,
        /// Versions that must not be used for another call.
        revoked: Vec<KeyVersionName>,
    },
    /// A key is to be checked.
    Verify(PendingTask),
}

/// A router that opens_session.
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The router's identity.
    pub router: Arc<str>,
    /// What the router calls itself.
    pub instance: String,
    /// The providers whose keys it can check.
    pub providers: Vec<ProviderId>,
    messages: mpsc::Sender<SessionMessage>,
    ended: CancellationToken,
    attached: AtomicBool,
    left: AtomicBool,
    held: Mutex<Held>,
    acknowledged: watch::Sender<HashMap<RevisionScope, Acknowledged>>,
}

#[derive(Default)]
struct Held {
    lapses_at: Duration,
    leases: HashMap<LeaseId, LeaseRecord>,
    dependencies: HashMap<WorkspaceUid, (RevisionScope, u64)>,
}

#[derive(Clone, Copy)]
struct Acknowledged {
    revision: u64,
    in_flight: u64,
}

/// More than this many untold orders, and the router is not keeping up.
const MAX_QUEUE: usize = 1_024;

impl Session {
    /// A session, and what it is to be told.
    pub fn new(
        id: SessionId,
        router: Arc<str>,
        instance: String,
        providers: Vec<ProviderId>,
    ) -> (Self, mpsc::Receiver<SessionMessage>) {
        let (messages, queued) = mpsc::channel(MAX_QUEUE);
        let session = Self {
            id,
            router,
            instance,
            providers,
            messages,
            ended: CancellationToken::new(),
            attached: AtomicBool::new(true),
            left: AtomicBool::new(false),
            held: Mutex::default(),
            acknowledged: watch::Sender::default(),
        };
        (session, queued)
    }

    /// Is cancelled when the session is over.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether its stream is up.
    pub fn is_attached(&self) -> bool {
        self.attached.load(Ordering::Acquire)
    }

    /// Whether the router itself ended it.
    pub fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Says that whatever is chosen from now on depends on a workspace. Called before the choice
    /// reads it, so that no change in between is missed. Tells whether it was depended on before.
    pub fn depend_on(&self, workspace: WorkspaceUid, scope: RevisionScope, revision: u64) -> bool {
        match self.lock().dependencies.entry(workspace) {
            Entry::Occupied(_) => true,
            Entry::Vacant(vacant) => {
                vacant.insert((scope, revision));
                false
            }
        }
    }

    /// Notes a lease.
    pub fn lease(&self, id: LeaseId, lease: LeaseRecord) {
        self.lock().leases.insert(id, lease);
    }

    /// Forgets a lease that was given back.
    pub fn release(&self, id: LeaseId) {
        self.lock().leases.remove(&id);
    }

    /// Whether a lease of that version is held.
    pub fn holds(&self, version: &KeyVersionName) -> bool {
        self.lock()
            .leases
            .values()
            .any(|lease| lease.key_version == *version)
    }

    /// Notes that the router confirmed a revision of a scope.
    pub fn acknowledge(&self, scope: RevisionScope, revision: u64, in_flight: u64) {
        let mut held = self.lock();
        let scope_changed = |known: &(RevisionScope, u64)| known.0 == scope && revision >= known.1;
        // What was chosen before is dropped, so leases in that scope are over.
        if held.dependencies.values().any(scope_changed) {
            held.leases.retain(|_, lease| {
                RevisionScope::from(&lease.key_version.key.parent) != scope
                    && RevisionScope::Workspace(lease.scope.workspace().clone()) != scope
            });
        }
        drop(held);
        self.acknowledged.send_modify(|all| {
            all.insert(
                scope,
                Acknowledged {
                    revision,
                    in_flight,
                },
            );
        });
    }

    /// The calls in flight when a revision was confirmed; nothing once the session is over.
    pub(super) async fn acknowledged(&self, scope: &RevisionScope, revision: u64) -> Option<u64> {
        let mut changes = self.acknowledged.subscribe();
        let confirmed = changes.wait_for(|all| {
            all.get(scope)
                .is_some_and(|acknowledged| acknowledged.revision >= revision)
        });
        let all = confirmed.await.ok()?;
        all.get(scope).map(|acknowledged| acknowledged.in_flight)
    }

    pub(super) fn send(&self, message: SessionMessage) {
        if self.messages.try_send(message).is_err() {
            // It does not keep up, or its stream is gone: it must attach anew, and stops by
            // itself until then.
            self.detach();
        }
    }

    pub(super) fn detach(&self) {
        self.attached.store(false, Ordering::Release);
        self.ended.cancel();
    }

    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
        self.end_holding(&mut self.lock());
    }

    /// Ends the session if it has lapsed by `boottime`. A sign of life comes before or after this,
    /// never in between: a session that is ended has not been given more time.
    pub(super) fn end_if_lapsed(&self, boottime: Duration) -> bool {
        let mut held = self.lock();
        let lapsed = held.lapses_at <= boottime;
        if lapsed {
            self.end_holding(&mut held);
        }
        lapsed
    }

    fn end_holding(&self, held: &mut Held) {
        self.detach();
        held.leases.clear();
        held.dependencies.clear();
    }

    pub(super) fn depends_on(&self, workspace: WorkspaceUid) -> bool {
        self.lock().dependencies.contains_key(&workspace)
    }

    pub(super) fn note_revision(&self, workspace: WorkspaceUid, revision: u64) {
        if let Some(known) = self.lock().dependencies.get_mut(&workspace) {
            known.1 = known.1.max(revision);
        }
    }

    pub(super) fn dependencies(&self) -> HashMap<WorkspaceUid, (RevisionScope, u64)> {
        self.lock().dependencies.clone()
    }

    pub(super) fn leases(&self) -> HashMap<LeaseId, LeaseRecord> {
        self.lock().leases.clone()
    }

    /// Puts the lapse off until `boottime`; not once the session is over.
    pub(super) fn lapse_at(&self, boottime: Duration) -> bool {
        let mut held = self.lock();
        if self.ended.is_cancelled() {
            return false;
        }
        held.lapses_at = held.lapses_at.max(boottime);
        true
    }

    pub(super) fn lapses_at(&self) -> Duration {
        self.lock().lapses_at
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
