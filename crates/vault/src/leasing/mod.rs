//! The routers attached to this vault: their sessions, what they hold, what they must be told.
//!
//! A router may use what it holds while its freshness span lasts, counted on its own boot clock from
//! the moment it sent the keep-alive that was answered. A change is told to every session that
//! holds something of its scope, and waits until each has acknowledged it or has surely lapsed. So
//! a router that is cut off, stopped or wedged stops by itself, and the wait has a bound.

mod committed;
mod heads;
mod lapse;
mod lease;
mod session;
pub mod verification_tasks;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_clock::Clock;
use latchkey_contract::names::{KeyVersionName, RevisionScope};
use serde::Deserialize;
use uuid::Uuid;

pub use committed::Committed;
pub use heads::{depend_on_scope, watch_heads};
pub use lapse::RATE_ERROR;
pub use lease::{LeaseId, LeaseRecord};
pub use session::{Session, SessionError, SessionId, SessionMessage};

use crate::domain::uid::WorkspaceUid;

/// How long routers may go on without hearing from the vault, and what they are asked to do for it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeasingConfig {
    /// Seconds that what a router holds stays usable after a keep-alive. Longer survives longer
    /// outages of the vault; the same number bounds a revocation when a router is cut off.
    /// 1 to 900; default 30.
    pub freshness_seconds: u64,
    /// Seconds that a router may be paused between its last check and its write to the provider.
    /// Default 2.
    pub tolerated_pause_seconds: u64,
    /// Seconds after which a provider is asked again of a key that it refused. 0 means never;
    /// default 900.
    pub recheck_interval: u64,
}

impl Default for LeasingConfig {
    fn default() -> Self {
        Self {
            freshness_seconds: 30,
            tolerated_pause_seconds: 2,
            recheck_interval: 900,
        }
    }
}

/// The sessions of this vault.
pub struct Leasing {
    clock: Arc<dyn Clock>,
    freshness: Duration,
    tolerated_pause: Duration,
    sessions: Mutex<HashMap<SessionId, Arc<Session>>>,
    tasks: verification_tasks::VerificationTasks,
    /// When the read of the heads began that proved this replica current, on the boot clock.
    current_since: Mutex<Option<Duration>>,
}

/// How far a change had travelled when it was answered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Propagation {
    /// The revision that the change made.
    pub revision: u64,
    /// Sessions that confirmed it.
    pub acknowledged: u64,
    /// Sessions that were ended because they did not, or had lapsed.
    pub fenced: u64,
    /// Calls that were running with a revoked version when it was confirmed.
    pub in_flight: u64,
    /// From the commit to the answer.
    pub elapsed: Duration,
}

impl Leasing {
    /// No sessions yet.
    pub fn new(config: LeasingConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            freshness: Duration::from_secs(config.freshness_seconds.clamp(1, 900)),
            tolerated_pause: Duration::from_secs(config.tolerated_pause_seconds),
            sessions: Mutex::default(),
            tasks: verification_tasks::VerificationTasks::default(),
            current_since: Mutex::default(),
        }
    }

    /// The span that routers may go on alone.
    pub fn freshness(&self) -> Duration {
        self.freshness
    }

    /// What is left of the span for a keep-alive answered now: less by the time since this replica
    /// was last known to be current, nothing when it has not been for that long.
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

    /// Registers a session. From its registration on, it is told of every change it depends on.
    pub fn attach(&self, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        self.note_keep_alive(&session);
        self.lock().insert(session.id, Arc::clone(&session));
        session
    }

    /// Notes a sign of life. The session lapses this long after the last one. One that is over
    /// stays so, and must not be given more time.
    pub fn note_keep_alive(&self, session: &Session) -> bool {
        let bound = lapse::bound(self.freshness, self.tolerated_pause);
        session.lapse_at(self.clock.boottime() + bound)
    }

    /// The router said goodbye: it dropped everything it held.
    pub fn leave(&self, session: &Session) {
        self.lock().remove(&session.id);
        session.leave();
    }

    /// The connection broke. The router may go on with what it holds until it lapses, so the session
    /// is kept until then.
    pub fn detach(&self, session: &Session) {
        session.detach();
    }

    /// The attached session of that id, if it is this router's.
    pub fn session(&self, id: SessionId, router: &str) -> Result<Arc<Session>, SessionError> {
        let session = self.lock().get(&id).cloned().ok_or(SessionError::Unknown)?;
        if *session.router == *router && session.is_attached() {
            Ok(session)
        } else {
            Err(SessionError::Unknown)
        }
    }

    /// Every live lease, oldest first.
    pub fn leases(&self) -> BTreeMap<LeaseId, (Arc<Session>, LeaseRecord)> {
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        let mut leases = BTreeMap::new();
        for session in sessions {
            for (id, lease) in session.leases() {
                leases.insert(id, (Arc::clone(&session), lease));
            }
        }
        leases
    }

    /// Tells the routers of a change and waits until it holds everywhere.
    pub async fn propagate(&self, committed: Committed) -> Propagation {
        let begun = self.clock.boottime();
        let mut propagation = Propagation {
            revision: committed.revision,
            ..Propagation::default()
        };
        let Some(scope) = &committed.scope else {
            return propagation;
        };
        let concerned = self.tell(scope, &committed);
        for session in concerned {
            match self.confirmed(&session, scope, committed.revision).await {
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

    /// Tells of changes that another replica made, without waiting: that replica does.
    fn relay(&self, uid: WorkspaceUid, scope: &RevisionScope, revision: u64) {
        let committed = Committed {
            workspace: uid,
            scope: Some(scope.clone()),
            revision,
            revoked: Vec::<KeyVersionName>::new(),
        };
        self.tell(scope, &committed);
    }

    fn tell(&self, scope: &RevisionScope, committed: &Committed) -> Vec<Arc<Session>> {
        let mut concerned = Vec::new();
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        for session in sessions {
            if !session.depends_on(committed.workspace) {
                continue;
            }
            session.note_revision(committed.workspace, committed.revision);
            session.send(SessionMessage::Invalidate {
                scope: scope.clone(),
                revision: committed.revision,
                revoked: committed.revoked.clone(),
            });
            concerned.push(session);
        }
        concerned
    }

    /// The calls in flight once the session has confirmed; nothing when it lapsed instead.
    async fn confirmed(
        &self,
        session: &Session,
        scope: &RevisionScope,
        revision: u64,
    ) -> Option<u64> {
        let confirmed = session.acknowledged(scope, revision);
        tokio::pin!(confirmed);
        loop {
            let now = self.clock.boottime();
            if session.end_if_lapsed(now) {
                self.lock().remove(&session.id);
                return None;
            }
            let left = session.lapses_at().saturating_sub(now);
            // Whether it lapsed is asked of the boot clock again; the timer only paces the asking.
            match tokio::time::timeout(left.min(MAX_NAP), &mut confirmed).await {
                Ok(acknowledged) => return acknowledged,
                Err(_elapsed) => {}
            }
        }
    }

    /// The workspaces that some session depends on.
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

    /// Forgets sessions that have lapsed.
    fn sweep(&self) {
        let now = self.clock.boottime();
        self.lock().retain(|_, session| !session.end_if_lapsed(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_NAP: Duration = Duration::from_secs(1);

/// A fresh session id.
pub fn session_id(random: Uuid) -> SessionId {
    SessionId(random)
}

#[cfg(test)]
mod tests;
