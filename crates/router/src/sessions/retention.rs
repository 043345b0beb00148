//! Deletes expired sessions.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Sessions;
use crate::error::RouterError;

/// The time between two sweeps. An expired session is already invisible before it is deleted.
const INTERVAL: Duration = Duration::from_mins(1);
/// Sessions read at a time.
const PAGE_SIZE: u64 = 100;

/// Sweeps at an interval until `over` is cancelled.
pub async fn retain(sessions: Arc<Sessions>, over: CancellationToken) {
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        tokio::select! {
            () = over.cancelled() => return,
            swept = sessions.sweep() => {
                if let Err(error) = swept {
                    let chain = &error as &dyn std::error::Error;
                    tracing::warn!(error = chain, "expired sessions could not be deleted");
                }
            }
        }
    }
}

impl Sessions {
    /// Deletes the sessions that have expired, as `DeleteSession` does. Returns the number deleted here;
    /// other routers sweep the same sessions.
    pub async fn sweep(&self) -> Result<u64, RouterError> {
        self.vault.forget_old_data_keys();
        let now = self.clock.now();
        let (mut deleted, mut after) = (0, None);
        loop {
            let expired = self.store.expired_sessions(now, after, PAGE_SIZE).await?;
            let Some(last) = expired.last() else {
                return Ok(deleted);
            };
            after = Some(last.uid);
            for session in &expired {
                match self.shred(session).await {
                    Ok(existed) => deleted += u64::from(existed),
                    // A refusal concerns one data key, so the sweep goes on.
                    Err(RouterError::Refused(refusal)) => {
                        let reason = refusal.reason;
                        tracing::error!(
                            %reason,
                            session = %session.name,
                            "an expired session could not be deleted"
                        );
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
