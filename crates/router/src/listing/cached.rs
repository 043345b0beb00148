//! The cache of providers' model lists, by the key version that requested them.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::uid::KeyVersionUid;
use latchkey_providers::models::Listed;
use lru::LruCache;

/// A list with its age.
pub(super) struct CachedList {
    pub(super) models: Vec<Listed>,
    pub(super) fetch_time: Timestamp,
    /// On the boot clock.
    pub(super) fetched_at: Duration,
}

/// The cached lists.
pub(super) struct Lists {
    max_age: Duration,
    cache: Mutex<LruCache<KeyVersionUid, Arc<CachedList>>>,
}

/// The maximum number of lists. OpenRouter's list has some hundred models, others have fewer.
const MAX_LISTS: NonZeroUsize = NonZeroUsize::new(512).expect("not zero");

impl Lists {
    pub(super) fn new(max_age: Duration) -> Self {
        Self {
            max_age,
            cache: Mutex::new(LruCache::new(MAX_LISTS)),
        }
    }

    /// The list of a key version, whatever its age.
    pub(super) fn of(&self, key_version: KeyVersionUid) -> Option<Arc<CachedList>> {
        self.lock().get(&key_version).cloned()
    }

    /// Whether a list is recent enough to be used without a request.
    pub(super) fn is_fresh(&self, list: &CachedList, now: Duration) -> bool {
        now.saturating_sub(list.fetched_at) < self.max_age
    }

    /// Caches a list, and returns it.
    pub(super) fn put(&self, key_version: KeyVersionUid, list: CachedList) -> Arc<CachedList> {
        let shared = Arc::new(list);
        self.lock().put(key_version, Arc::clone(&shared));
        shared
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<KeyVersionUid, Arc<CachedList>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
