//! What the leases of one key version share: the count of calls under way, and the token that was got
//! for it. An invalidation must count calls whose lease is long gone; a token must die with its
//! version.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::token::TokenCell;

/// The state of a version while it is leased or in use.
#[derive(Default)]
pub(super) struct VersionState {
    /// Calls under way.
    pub(super) in_flight: AtomicI64,
    /// The access token, where the key is one that tokens are got with.
    pub(super) token: TokenCell,
}

/// The versions that are leased or in use.
#[derive(Default)]
pub(super) struct Versions {
    states: Mutex<HashMap<String, Weak<VersionState>>>,
}

impl Versions {
    /// The state of a version: one for all its leases and calls.
    pub(super) fn of(&self, key_version: &str) -> Arc<VersionState> {
        let mut states = self.lock();
        if let Some(state) = states.get(key_version).and_then(Weak::upgrade) {
            return state;
        }
        if states.len() == states.capacity() {
            // Before the map grows, what is not alive any more makes room.
            states.retain(|_, state| state.strong_count() > 0);
        }
        let state = Arc::default();
        states.insert(key_version.to_owned(), Arc::downgrade(&state));
        state
    }

    /// The calls under way with any of these versions.
    pub(super) fn in_flight(&self, key_versions: &[String]) -> i64 {
        let states = self.lock();
        let named = states
            .iter()
            .filter(|(version, _)| key_versions.contains(version));
        named
            .filter_map(|(_, state)| state.upgrade())
            .map(|state| state.in_flight.load(Ordering::SeqCst))
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<VersionState>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
