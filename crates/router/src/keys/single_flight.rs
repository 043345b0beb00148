//! SingleFlight: of those who ask for the same at the same time, one asks and the others wait for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is asking for what.
pub(super) struct SingleFlight<W> {
    queues: Mutex<HashMap<W, Arc<Queue>>>,
}

impl<W> Default for SingleFlight<W> {
    fn default() -> Self {
        Self {
            queues: Mutex::default(),
        }
    }
}

type Queue = tokio::sync::Mutex<()>;

/// A place in the queue for a query. The queue is gone with its last place, however that ended.
pub(super) struct Flight<'a, W: Eq + Hash> {
    turns: &'a SingleFlight<W>,
    query: &'a W,
    queue: Arc<Queue>,
}

impl<W: Clone + Eq + Hash> SingleFlight<W> {
    /// Joins the queue for a query.
    pub(super) fn of<'a>(&'a self, query: &'a W) -> Flight<'a, W> {
        let queue = Arc::clone(self.lock().entry(query.clone()).or_default());
        Flight {
            turns: self,
            query,
            queue,
        }
    }

    /// Whether nobody asks.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

impl<W> SingleFlight<W> {
    fn lock(&self) -> MutexGuard<'_, HashMap<W, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Eq + Hash> Flight<'_, W> {
    /// Waits for the turn.
    pub(super) async fn lock(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.queue.lock().await
    }
}

impl<W: Eq + Hash> Drop for Flight<'_, W> {
    fn drop(&mut self) {
        let mut queues = self.turns.lock();
        // The map's and this one: nobody joins while the map is locked.
        if Arc::strong_count(&self.queue) == 2 {
            queues.remove(self.query);
        }
    }
}
