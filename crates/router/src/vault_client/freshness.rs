//! A router session as a token: its id, and how long what the vault granted in it stays usable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One router session.
pub struct RouterSession {
    id: String,
    fresh_until_micros: AtomicU64,
}

impl RouterSession {
    /// A session whose Hello was sent at `sent` on the boot clock.
    pub fn new(id: String, sent: Duration, freshness: Duration) -> Self {
        let session = Self {
            id,
            fresh_until_micros: AtomicU64::new(0),
        };
        session.extend(sent, freshness);
        session
    }

    /// Its id, for requests to the vault.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Extends the freshness, counted from when the keep-alive was *sent* on the boot clock: however
    /// long the answer took, the vault counts from later. A shorter span takes nothing back.
    pub fn extend(&self, sent: Duration, remaining: Duration) {
        let until = u64::try_from((sent + remaining).as_micros()).unwrap_or(u64::MAX);
        self.fresh_until_micros.fetch_max(until, Ordering::AcqRel);
    }

    /// Whether the session is fresh at a time of the boot clock.
    pub fn is_fresh(&self, boottime: Duration) -> bool {
        boottime < Duration::from_micros(self.fresh_until_micros.load(Ordering::Acquire))
    }
}
