//! Turns: of those who ask for the same at the same time, one asks and the others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Wish;

/// Who is asking for what.
#[derive(Default)]
pub(super) struct Turns {
    queues: Mutex<HashMap<Wish, Arc<Queue>>>,
}

type Queue = tokio::sync::Mutex<()>;

/// A place in the queue for a wish. The queue is gone with its last place, however that ended.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    wish: &'a Wish,
    queue: Arc<Queue>,
}

impl Turns {
    /// Joins the queue for a wish.
    pub(super) fn of<'a>(&'a self, wish: &'a Wish) -> Turn<'a> {
        let queue = Arc::clone(self.lock().entry(wish.clone()).or_default());
        Turn {
            turns: self,
            wish,
            queue,
        }
    }

    /// Whether nobody asks.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Wish, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits for the turn.
    pub(super) async fn lock(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.queue.lock().await
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.lock();
        // The map's and this one: nobody joins while the map is locked.
        if Arc::strong_count(&self.queue) == 2 {
            queues.remove(self.wish);
        }
    }
}
