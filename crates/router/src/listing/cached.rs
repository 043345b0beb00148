//! Model lists of providers, cached for a while by the key version that they were requested with.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::names::KeyVersionName;
use latchkey_providers::models::Listed;
use lru::LruCache;

/// A list, and when the provider returned it.
pub(super) struct CachedList {
    pub(super) models: Vec<Listed>,
    pub(super) fetch_time: Timestamp,
    /// On the boot clock.
    pub(super) fetched_at: Duration,
}

/// The cached lists.
pub(super) struct Lists {
    span: Duration,
    held: Mutex<LruCache<KeyVersionName, Arc<CachedList>>>,
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

    /// The list of a key version, whatever its age.
    pub(super) fn of(&self, key_version: &KeyVersionName) -> Option<Arc<CachedList>> {
        self.lock().get(key_version).cloned()
    }

    /// Whether a list is recent enough to be used instead of asking the provider.
    pub(super) fn is_fresh(&self, kept: &CachedList, now: Duration) -> bool {
        now.saturating_sub(kept.fetched_at) < self.span
    }

    pub(super) fn keep(&self, key_version: &KeyVersionName, kept: CachedList) -> Arc<CachedList> {
        let kept = Arc::new(kept);
        self.lock().put(key_version.clone(), Arc::clone(&kept));
        kept
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<KeyVersionName, Arc<CachedList>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
