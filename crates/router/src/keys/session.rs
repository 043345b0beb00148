//! A session with a vault, as far as leases depend on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A session and how long what it leased stays usable.
pub(super) struct Session {
    /// Its name, for asking.
    pub(super) id: String,
    fresh_until_micros: AtomicU64,
}

impl Session {
    pub(super) fn new(id: String, sent: Duration, freshness: Duration) -> Self {
        let session = Self {
            id,
            fresh_until_micros: AtomicU64::new(0),
        };
        session.extend(sent, freshness);
        session
    }

    /// Extends the span, counted from when the question for it was *sent*: however long the answer
    /// took, the vault counts from later.
    pub(super) fn extend(&self, sent: Duration, remaining: Duration) {
        let until = u64::try_from((sent + remaining).as_micros()).unwrap_or(u64::MAX);
        self.fresh_until_micros.fetch_max(until, Ordering::AcqRel);
    }

    pub(super) fn is_fresh(&self, boottime: Duration) -> bool {
        boottime < Duration::from_micros(self.fresh_until_micros.load(Ordering::Acquire))
    }
}
