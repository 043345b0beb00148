//! The sessions of the connected routers, their leases, and the propagation of changes to them.
//!
//! A router may use its leases while its freshness span lasts, counted on its own boot clock from
//! the moment it sent the keep-alive that was answered. A change is sent to every session that
//! depends on its scope, and waits until each has acknowledged it or has surely lapsed. So a router
//! that is cut off, stopped or wedged stops by itself, and the wait has a bound.

mod changes_in_progress;
mod committed;
mod heads;
mod lapse;
mod lease;
mod router_session;
pub mod verification_tasks;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_contract::names::RevisionScope;
use serde::Deserialize;

pub(crate) use changes_in_progress::ChangesInProgress;
pub use committed::Committed;
pub use heads::{depend_on_workspace, watch_heads};
pub use lapse::RATE_ERROR;
pub use lease::{LeaseId, LeaseRecord};
pub use router_session::{RouterMessage, RouterSession, RouterSessionError, RouterSessionId};

use crate::domain::uid::WorkspaceUid;

/// How long routers may go on without an answer from the vault.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeasingConfig {
    /// Seconds that the leases of a router stay usable after a keep-alive. A longer span survives
    /// longer outages of the vault. It also bounds a revocation while a router is cut off. 1 to 900;
    /// default 30.
    pub freshness_seconds: u64,
    /// Seconds that a router may be paused between its last check and its write to the provider.
    /// Default 2.
    pub tolerated_pause_seconds: u64,
}

impl Default for LeasingConfig {
    fn default() -> Self {
        Self {
            freshness_seconds: 30,
            tolerated_pause_seconds: 2,
        }
    }
}

/// The sessions of this vault.
pub struct Leasing {
    clock: Arc<dyn Clock>,
    freshness: Duration,
    tolerated_pause: Duration,
    sessions: Mutex<HashMap<RouterSessionId, Arc<RouterSession>>>,
    tasks: verification_tasks::VerificationTasks,
    changes: ChangesInProgress,
    /// Boot time at which the last successful read of the heads began: this replica is current as of
    /// then.
    current_since: Mutex<Option<Duration>>,
}

/// How far a change was propagated when its call was answered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Propagation {
    /// The revision of the change.
    pub revision: u64,
    /// Sessions that confirmed the change.
    pub acknowledged: u64,
    /// Sessions that were ended because they had lapsed.
    pub fenced: u64,
    /// Calls with a revoked version that were in flight when the change was confirmed.
    pub in_flight: u64,
    /// The time from the commit to the answer.
    pub elapsed: Duration,
}

impl Leasing {
    /// A vault's leasing, without sessions.
    pub fn new(config: LeasingConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            freshness: Duration::from_secs(config.freshness_seconds.clamp(1, 900)),
            tolerated_pause: Duration::from_secs(config.tolerated_pause_seconds),
            sessions: Mutex::default(),
            tasks: verification_tasks::VerificationTasks::default(),
            changes: ChangesInProgress::default(),
            current_since: Mutex::default(),
        }
    }

    /// The freshness span.
    pub fn freshness(&self) -> Duration {
        self.freshness
    }

    /// The freshness span that a keep-alive grants now. It is shorter by the time since this replica
    /// was last known to be current, and zero once that is a whole span ago.
    pub fn remaining(&self) -> Duration {
        let since = *self
            .current_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let age = since.map_or(self.freshness, |since| {
            self.clock.boottime().saturating_sub(since)
        });
        self.freshness.saturating_sub(age)
    }

    /// The changes that this vault commits at the moment.
    pub(crate) fn changes(&self) -> &ChangesInProgress {
        &self.changes
    }

    /// Attaches a session. From then on, every change that it depends on is sent to it.
    pub fn connect(&self, session: RouterSession) -> Arc<RouterSession> {
        let session = Arc::new(session);
        self.note_keep_alive(&session);
        self.lock().insert(session.id, Arc::clone(&session));
        session
    }

    /// Extends a session after a keep-alive. Returns `false` for a session that has ended: it gets no
    /// more time.
    pub fn note_keep_alive(&self, session: &RouterSession) -> bool {
        let bound = lapse::bound(self.freshness, self.tolerated_pause);
        session.lapse_at(self.clock.boottime() + bound)
    }

    /// Ends a session whose router has dropped its leases.
    pub fn leave(&self, session: &RouterSession) {
        self.lock().remove(&session.id);
        session.leave();
    }

    /// Detaches a session whose connection broke. The router may use its leases until they lapse, so
    /// the session stays known until then.
    pub fn disconnect(&self, session: &RouterSession) {
        session.disconnect();
    }

    /// The connected session of that id, if it belongs to this router.
    pub fn session(
        &self,
        id: RouterSessionId,
        router: &str,
    ) -> Result<Arc<RouterSession>, RouterSessionError> {
        let session = self
            .lock()
            .get(&id)
            .cloned()
            .ok_or(RouterSessionError::Unknown)?;
        if *session.router == *router && session.is_connected() {
            Ok(session)
        } else {
            Err(RouterSessionError::Unknown)
        }
    }

    /// Every live lease, oldest first.
    pub fn leases(&self) -> BTreeMap<LeaseId, (Arc<RouterSession>, LeaseRecord)> {
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        let mut leases = BTreeMap::new();
        for session in sessions {
            for (id, lease) in session.leases() {
                leases.insert(id, (Arc::clone(&session), lease));
            }
        }
        leases
    }

    /// Sends a change to the routers and waits until it holds everywhere.
    pub async fn propagate(&self, mut committed: Committed) -> Propagation {
        let begun = self.clock.boottime();
        let mut propagation = Propagation {
            revision: committed.revision,
            ..Propagation::default()
        };
        let Some(scope) = &committed.scope else {
            return propagation;
        };
        let dependents = self.invalidate(scope, &committed);
        drop(committed.in_progress.take());
        for session in dependents {
            match self.confirmed(&session, &committed).await {
                Some(in_flight) => {
                    propagation.acknowledged += 1;
                    propagation.in_flight += in_flight;
                }
                None => propagation.fenced += 1,
            }
        }
        propagation.elapsed = self.clock.boottime().saturating_sub(begun);
        propagation
    }

    /// Sends a change of another replica to the routers that were not sent it yet, without waiting: that
    /// replica waits.
    fn relay(&self, uid: WorkspaceUid, scope: &RevisionScope, revision: u64) {
        for session in self.dependents(uid) {
            if session.note_revision(uid, revision) {
                session.send(RouterMessage::Invalidate {
                    workspace: uid,
                    scope: scope.clone(),
                    revision,
                    revoked: Vec::new(),
                });
            }
        }
    }

    /// Sends an invalidation to the sessions that depend on the scope, and returns them.
    fn invalidate(&self, scope: &RevisionScope, committed: &Committed) -> Vec<Arc<RouterSession>> {
        let dependents = self.dependents(committed.workspace);
        for session in &dependents {
            session.note_revision(committed.workspace, committed.revision);
            session.send(RouterMessage::Invalidate {
                workspace: committed.workspace,
                scope: scope.clone(),
                revision: committed.revision,
                revoked: committed.revoked.clone(),
            });
        }
        dependents
    }

    fn dependents(&self, workspace: WorkspaceUid) -> Vec<Arc<RouterSession>> {
        let sessions = self.lock();
        let depend = |session: &&Arc<RouterSession>| session.depends_on(workspace);
        sessions.values().filter(depend).cloned().collect()
    }

    /// Waits until the session confirms a change. Returns the calls in flight at that time; `None`
    /// where the session lapsed first.
    async fn confirmed(&self, session: &RouterSession, committed: &Committed) -> Option<u64> {
        let confirmed = session.acknowledged(committed.workspace, committed.revision);
        tokio::pin!(confirmed);
        loop {
            let now = self.clock.boottime();
            if session.end_if_lapsed(now) {
                self.lock().remove(&session.id);
                return None;
            }
            let left = session.lapses_at().saturating_sub(now);
            // The boot clock decides whether it lapsed; the timer only paces the checks.
            match tokio::time::timeout(left.min(MAX_WAIT), &mut confirmed).await {
                Ok(acknowledged) => return acknowledged,
                Err(_elapsed) => {}
            }
        }
    }

    /// The workspaces that the sessions depend on, each with its lowest known revision.
    fn dependencies(&self) -> HashMap<WorkspaceUid, (RevisionScope, u64)> {
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        let mut all = HashMap::new();
        for session in sessions {
            for (uid, (scope, revision)) in session.dependencies() {
                let entry = all.entry(uid).or_insert((scope, revision));
                entry.1 = entry.1.min(revision);
            }
        }
        all
    }

    /// Removes sessions that have lapsed.
    fn sweep(&self) {
        let now = self.clock.boottime();
        self.lock().retain(|_, session| !session.end_if_lapsed(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RouterSessionId, Arc<RouterSession>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest wait between two looks at the boot clock.
const MAX_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
