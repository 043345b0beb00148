//! Lists that providers gave, kept for a while by the key version that asked.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::names::KeyVersionName;
use latchkey_providers::models::Listed;
use lru::LruCache;

/// A list and when it was given.
pub(super) struct Kept {
    pub(super) models: Vec<Listed>,
    pub(super) fetch_time: Timestamp,
    /// On the boot clock.
    pub(super) fetched_at: Duration,
}

/// The lists that are kept.
pub(super) struct Lists {
    span: Duration,
    held: Mutex<LruCache<KeyVersionName, Arc<Kept>>>,
}

/// Lists at most. OpenRouter's has some hundred models, others fewer.
const MAX_LISTS: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");

impl Lists {
    pub(super) fn new(span: Duration) -> Self {
        Self {
            span,
            held: Mutex::new(LruCache::new(MAX_LISTS)),
        }
    }

    /// The list of a key version, however old.
    pub(super) fn of(&self, key_version: &KeyVersionName) -> Option<Arc<Kept>> {
        self.lock().get(key_version).cloned()
    }

    /// Whether a list is recent enough to stand for the provider's answer.
    pub(super) fn is_fresh(&self, kept: &Kept, now: Duration) -> bool {
        now.saturating_sub(kept.fetched_at) < self.span
    }

    pub(super) fn keep(&self, key_version: &KeyVersionName, kept: Kept) -> Arc<Kept> {
        let kept = Arc::new(kept);
        self.lock().put(key_version.clone(), Arc::clone(&kept));
        kept
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<KeyVersionName, Arc<Kept>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
