//! The claim of a session by a request that adds a turn to its transcript. Another request is refused
//! before it spends anything.
//!
//! The claim only spares money. That a turn is added after the last one that its request has seen is
//! checked when it is added.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Sessions;
use crate::domain::session::Session;
use crate::error::RouterError;
use crate::store::Claim;

/// A claim that ends when it is dropped.
pub(super) struct HeldClaim {
    sessions: Arc<Sessions>,
    claim: Option<Claim>,
}

/// The longest claim. A request that takes longer may be overtaken by another one.
const MAX_TIME: Duration = Duration::from_mins(5);
/// The time between a request's deadline and the end of its claim.
const MARGIN: Duration = Duration::from_secs(10);
/// The time that an answer waits for the end of its claim. Less than what is left before a caller's
/// deadline.
const RELEASE_TIMEOUT: Duration = Duration::from_millis(20);

impl HeldClaim {
    /// Claims the session for a request that has seen its turns. `None` where the session has changed
    /// since it was read.
    pub(super) async fn take(
        sessions: &Arc<Sessions>,
        session: &Session,
        turn_count: u64,
        deadline: Option<Instant>,
    ) -> Result<Option<Self>, RouterError> {
        let now = sessions.clock.now();
        let until = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let claim = Claim {
            id: sessions.random_uid()?,
            session: session.uid,
            turn_count,
            expire_time: now + until.unwrap_or(MAX_TIME).min(MAX_TIME) + MARGIN,
        };
        let held = Self {
            sessions: Arc::clone(sessions),
            claim: Some(claim),
        };
        if sessions.store.claim_session(claim, now).await? {
            return Ok(Some(held));
        }
        // Nothing to release: a refused request writes nothing.
        held.ended();
        Ok(None)
    }

    /// Ends the claim, so that the caller's next request finds the session free. It waits for the database
    /// for a moment only: the caller waits for its answer.
    pub(super) async fn release(mut self) {
        if let Some(released) = self.start_release() {
            let _ = tokio::time::timeout(RELEASE_TIMEOUT, released).await;
        }
    }

    fn start_release(&mut self) -> Option<JoinHandle<()>> {
        let claim = self.claim.take()?;
        let sessions = Arc::clone(&self.sessions);
        Some(tokio::spawn(async move { release(&sessions, claim).await }))
    }

    /// Forgets a claim that is not in the database, such as after the addition of the turn.
    pub(super) fn ended(mut self) {
        self.claim = None;
    }
}

/// A request that ends in another way, such as by cancellation.
impl Drop for HeldClaim {
    fn drop(&mut self) {
        self.start_release();
    }
}

async fn release(sessions: &Sessions, claim: Claim) {
    if let Err(error) = sessions.store.release_session(claim).await {
        // It expires by itself.
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, session = %claim.session, "ending the claim of a session failed");
    }
}
