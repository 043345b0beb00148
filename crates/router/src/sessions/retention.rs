//! Sessions that were not used for as long as they are kept are deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Sessions;
use crate::error::RouterError;

/// How often it is looked for what has expired. It is not found from then on, deleted or not.
const INTERVAL: Duration = Duration::from_mins(1);
const PAGE: u64 = 100;

/// Deletes what has expired, round by round, until it is over.
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
    /// Deletes what has expired by now, as `DeleteSession` does. Returns how many sessions that were;
    /// other routers look as well.
    pub async fn sweep(&self) -> Result<u64, RouterError> {
        self.vault.forget_old_data_keys();
        let now = self.clock.now();
        let (mut deleted, mut after) = (0, None);
        loop {
            let expired = self.store.expired_sessions(now, after, PAGE).await?;
            let Some(last) = expired.last() else {
                return Ok(deleted);
            };
            after = Some(last.uid);
            for session in &expired {
                match self.shred(session).await {
                    Ok(was_there) => deleted += u64::from(was_there),
                    // One that can't be deleted does not keep the others.
                    Err(RouterError::Refused(refusal)) => {
                        let reason = refusal.reason;
                        tracing::error!(%reason, session = %session.name, "it can't be deleted");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
