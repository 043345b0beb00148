//! Concurrent callers with the same query share one request: one sends it, the others wait for its
//! answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A queue for each query under way.
pub struct SingleFlight<Q> {
    queues: Mutex<HashMap<Q, Arc<Queue>>>,
}

impl<Q> Default for SingleFlight<Q> {
    fn default() -> Self {
        Self {
            queues: Mutex::default(),
        }
    }
}

type Queue = tokio::sync::Mutex<()>;

/// A place in the queue for a query. Dropping the last place removes the queue.
pub struct Flight<'a, Q: Eq + Hash> {
    flights: &'a SingleFlight<Q>,
    query: &'a Q,
    queue: Arc<Queue>,
}

impl<Q: Clone + Eq + Hash> SingleFlight<Q> {
    /// Joins the queue for a query.
    pub fn join<'a>(&'a self, query: &'a Q) -> Flight<'a, Q> {
        let queue = Arc::clone(self.lock().entry(query.clone()).or_default());
        Flight {
            flights: self,
            query,
            queue,
        }
    }

    /// Whether no queue exists.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

impl<Q> SingleFlight<Q> {
    fn lock(&self) -> MutexGuard<'_, HashMap<Q, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q: Eq + Hash> Flight<'_, Q> {
    /// Waits for the earlier callers. The caller then looks for their answer before it sends a request.
    pub async fn lock(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.queue.lock().await
    }
}

impl<Q: Eq + Hash> Drop for Flight<'_, Q> {
    fn drop(&mut self) {
        let mut queues = self.flights.lock();
        // The references of the map and of this place. No caller joins while the map is locked.
        if Arc::strong_count(&self.queue) == 2 {
            queues.remove(self.query);
        }
    }
}
