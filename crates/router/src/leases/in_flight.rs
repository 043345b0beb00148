//! The state that all leases of one key version share: the count of calls in flight, and the access
//! token.
//!
//! An invalidation counts calls even if their lease was dropped long ago. The token is dropped with
//! the version.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use latchkey_contract::uid::KeyVersionUid;

use crate::provider_call::TokenCell;

/// The state of a version while it is leased or in use.
#[derive(Default)]
pub(super) struct VersionState {
    in_flight: AtomicI64,
    /// The access token, where the key is exchanged for one.
    pub(super) token: TokenCell,
}

/// A call in flight. It counts until it is dropped.
pub struct InUse {
    version: Arc<VersionState>,
}

impl InUse {
    pub(super) fn begin(version: &Arc<VersionState>) -> Self {
        version.in_flight.fetch_add(1, Ordering::SeqCst);
        Self {
            version: Arc::clone(version),
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.version.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The versions that are leased or in use.
#[derive(Default)]
pub(super) struct Versions {
    states: Mutex<HashMap<KeyVersionUid, Weak<VersionState>>>,
}

impl Versions {
    /// The state of a version: one for all its leases and calls.
    pub(super) fn of(&self, key_version: KeyVersionUid) -> Arc<VersionState> {
        let mut states = self.lock();
        if let Some(state) = states.get(&key_version).and_then(Weak::upgrade) {
            return state;
        }
        if states.len() == states.capacity() {
            // Before the map grows, dead entries make room.
            states.retain(|_, state| state.strong_count() > 0);
        }
        let state = Arc::default();
        states.insert(key_version, Arc::downgrade(&state));
        state
    }

    /// The calls in flight with any of these versions.
    pub(super) fn in_flight(&self, key_versions: &[KeyVersionUid]) -> i64 {
        let states = self.lock();
        let versions = key_versions.iter();
        versions
            .filter_map(|version| states.get(version)?.upgrade())
            .map(|state| state.in_flight.load(Ordering::SeqCst))
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyVersionUid, Weak<VersionState>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
