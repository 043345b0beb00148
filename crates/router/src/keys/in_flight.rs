//! Calls under way, by key version: an invalidation must count those too whose loan is long gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The counters of the versions that are lent or in use.
#[derive(Default)]
pub(super) struct InFlight {
    counters: Mutex<HashMap<String, Weak<AtomicI64>>>,
}

impl InFlight {
    /// The counter of a version: one for all its loans and calls.
    pub(super) fn of(&self, key_version: &str) -> Arc<AtomicI64> {
        let mut counters = self.lock();
        if let Some(counter) = counters.get(key_version).and_then(Weak::upgrade) {
            return counter;
        }
        if counters.len() == counters.capacity() {
            // Before the map grows, what is not alive any more makes room.
            counters.retain(|_, counter| counter.strong_count() > 0);
        }
        let counter = Arc::default();
        counters.insert(key_version.to_owned(), Arc::downgrade(&counter));
        counter
    }

    /// The calls under way with any of these versions.
    pub(super) fn count(&self, key_versions: &[String]) -> i64 {
        let counters = self.lock();
        let counted = counters
            .iter()
            .filter(|(version, _)| key_versions.contains(version));
        counted
            .filter_map(|(_, counter)| counter.upgrade())
            .map(|counter| counter.load(Ordering::SeqCst))
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<AtomicI64>>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
