//! One router session.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::RevisionScope;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::lease::{LeaseId, LeaseRecord};
use super::verification_tasks::PendingTask;
use crate::domain::uid::{KeyVersionUid, WorkspaceUid};

/// The id of a router session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RouterSessionId(pub Uuid);

/// An error of a router session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RouterSessionError {
    /// The session was ended because the router did not confirm a change in time.
    #[error("the router session was ended because it lapsed: open another one")]
    Fenced,
    /// The stream did not begin with Hello.
    #[error("the first message must be hello")]
    HelloRequired,
    /// This router has no session of this id.
    #[error("the router session does not exist: open one first")]
    Unknown,
}

/// A message to a router.
pub enum RouterMessage {
    /// A workspace has changed.
    Invalidate {
        /// The workspace.
        workspace: WorkspaceUid,
        /// Its name, for people.
        scope: RevisionScope,
        /// Its revision now.
        revision: u64,
        /// Versions that must not be used for another call.
        revoked: Vec<KeyVersionUid>,
    },
    /// A key is to be verified.
    Verify(PendingTask),
}

/// The stream between a router and this vault, and its state.
pub struct RouterSession {
    /// The id.
    pub id: RouterSessionId,
    /// The router's identity.
    pub router: Arc<str>,
    /// The name that the router gives itself.
    pub instance: String,
    /// The providers whose keys the router can verify.
    pub providers: Vec<ProviderId>,
    messages: mpsc::Sender<RouterMessage>,
    ended: CancellationToken,
    connected: AtomicBool,
    left: AtomicBool,
    state: Mutex<State>,
    acknowledged: watch::Sender<HashMap<WorkspaceUid, Acknowledged>>,
}

#[derive(Default)]
struct State {
    lapses_at: Duration,
    leases: HashMap<LeaseId, LeaseRecord>,
    dependencies: HashMap<WorkspaceUid, (RevisionScope, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Acknowledged {
    revision: u64,
    in_flight: u64,
}

/// Messages that wait to be sent. A router with more than these does not keep up.
const MAX_QUEUE: usize = 1_024;

impl RouterSession {
    /// A new session, and the receiver of its messages.
    pub fn new(
        id: RouterSessionId,
        router: Arc<str>,
        instance: String,
        providers: Vec<ProviderId>,
    ) -> (Self, mpsc::Receiver<RouterMessage>) {
        let (messages, queued) = mpsc::channel(MAX_QUEUE);
        let session = Self {
            id,
            router,
            instance,
            providers,
            messages,
            ended: CancellationToken::new(),
            connected: AtomicBool::new(true),
            left: AtomicBool::new(false),
            state: Mutex::default(),
            acknowledged: watch::Sender::default(),
        };
        (session, queued)
    }

    /// A token that is cancelled when the session ends.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether the stream is open.
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Whether the router itself ended the session.
    pub fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Registers a workspace as a dependency of the session, which is sent its changes from then on.
    /// Call this before the workspace is read, so that no change in between is missed. Returns whether
    /// the workspace was registered before, and `revision` is not older than what the router was sent.
    pub fn depend_on(&self, workspace: WorkspaceUid, scope: RevisionScope, revision: u64) -> bool {
        match self.lock().dependencies.entry(workspace) {
            Entry::Occupied(known) => known.get().1 <= revision,
            Entry::Vacant(vacant) => {
                vacant.insert((scope, revision));
                false
            }
        }
    }

    /// Adds a lease.
    pub fn lease(&self, id: LeaseId, lease: LeaseRecord) {
        self.lock().leases.insert(id, lease);
    }

    /// Removes a released lease.
    pub fn release(&self, id: LeaseId) {
        self.lock().leases.remove(&id);
    }

    /// The router's lease of that version, if it has one.
    pub fn lease_of(&self, version: KeyVersionUid) -> Option<LeaseRecord> {
        let state = self.lock();
        let mut leases = state.leases.values();
        leases
            .find(|lease| lease.key_version_uid == version)
            .cloned()
    }

    /// Records that the router has confirmed a revision of a workspace.
    pub fn acknowledge(&self, workspace: WorkspaceUid, revision: u64, in_flight: u64) {
        // The router drops what it was granted before that revision, so those leases end.
        self.lock()
            .leases
            .retain(|_, lease| !lease.predates(workspace, revision));
        self.acknowledged.send_modify(|all| {
            let known = all.entry(workspace).or_default();
            // Two changes may be sent in the other order.
            if revision >= known.revision {
                *known = Acknowledged {
                    revision,
                    in_flight,
                };
            }
        });
    }

    /// Waits until a revision is confirmed. Returns the calls in flight at that time; `None` once the
    /// session has ended.
    pub(super) async fn acknowledged(&self, workspace: WorkspaceUid, revision: u64) -> Option<u64> {
        let mut changes = self.acknowledged.subscribe();
        let confirmed = changes.wait_for(|all| {
            all.get(&workspace)
                .is_some_and(|acknowledged| acknowledged.revision >= revision)
        });
        let all = confirmed.await.ok()?;
        all.get(&workspace)
            .map(|acknowledged| acknowledged.in_flight)
    }

    pub(super) fn send(&self, message: RouterMessage) {
        if self.messages.try_send(message).is_err() {
            // The router does not keep up, or its stream is gone. It must open another session, and
            // its leases lapse until then.
            self.disconnect();
        }
    }

    pub(super) fn disconnect(&self) {
        self.connected.store(false, Ordering::Release);
        self.ended.cancel();
    }

    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
        self.clear(&mut self.lock());
    }

    /// Ends the session if it has lapsed by `boottime`. A keep-alive is handled before or after this,
    /// never in between: an ended session gets no more time.
    pub(super) fn end_if_lapsed(&self, boottime: Duration) -> bool {
        let mut state = self.lock();
        let lapsed = state.lapses_at <= boottime;
        if lapsed {
            self.clear(&mut state);
        }
        lapsed
    }

    fn clear(&self, state: &mut State) {
        self.disconnect();
        state.leases.clear();
        state.dependencies.clear();
    }

    pub(super) fn depends_on(&self, workspace: WorkspaceUid) -> bool {
        self.lock().dependencies.contains_key(&workspace)
    }

    /// Notes that a revision of a workspace is sent to the router. Returns whether it is the first with
    /// this revision or a later one.
    pub(super) fn note_revision(&self, workspace: WorkspaceUid, revision: u64) -> bool {
        match self.lock().dependencies.get_mut(&workspace) {
            Some((_, known)) if *known < revision => {
                *known = revision;
                true
            }
            _ => false,
        }
    }

    pub(super) fn dependencies(&self) -> HashMap<WorkspaceUid, (RevisionScope, u64)> {
        self.lock().dependencies.clone()
    }

    pub(super) fn leases(&self) -> HashMap<LeaseId, LeaseRecord> {
        self.lock().leases.clone()
    }

    /// Extends the session until `boottime`. Returns `false` once the session has ended.
    pub(super) fn lapse_at(&self, boottime: Duration) -> bool {
        let mut state = self.lock();
        if self.ended.is_cancelled() {
            return false;
        }
        state.lapses_at = state.lapses_at.max(boottime);
        true
    }

    pub(super) fn lapses_at(&self) -> Duration {
        self.lock().lapses_at
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
