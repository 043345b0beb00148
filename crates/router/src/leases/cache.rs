//! The leases that this router holds, by the query that each was granted for.

use std::collections::HashMap;
use std::sync::Arc;

use latchkey_clock::Clock;
use latchkey_contract::names::KeyName;

use super::Lease;
use super::weighted::WeightedLeases;
use crate::domain::key_query::KeyQuery;

/// Queries at most. A query holds what a caller writes, so callers could make any number of them.
pub(super) const MAX_LEASES: usize = 16 * 1024;

/// The cache. Every lease that leaves it is withdrawn.
#[derive(Default)]
pub(super) struct LeaseCache {
    by_query: HashMap<KeyQuery, WeightedLeases>,
}

impl LeaseCache {
    /// The leases of a query.
    pub(super) fn get(&self, query: &KeyQuery) -> Option<&WeightedLeases> {
        self.by_query.get(query)
    }

    /// Adds a lease to those of its query, or replaces them where other keys or weights hold now.
    pub(super) fn add(
        &mut self,
        query: &KeyQuery,
        weighted_keys: &[(KeyName, u64)],
        lease: Arc<Lease>,
        clock: &dyn Clock,
    ) {
        self.make_room(clock);
        let mut weighted = WeightedLeases::new(weighted_keys, &lease.key_version().key);
        match self.by_query.get_mut(query) {
            Some(cached) if cached.has_the_weights_of(&weighted) => cached.put(lease),
            _ => {
                weighted.put(lease);
                if let Some(replaced) = self.by_query.insert(query.clone(), weighted) {
                    replaced.leases().for_each(|lease| lease.withdraw());
                }
            }
        }
    }

    /// Drops the queries with a lease that `out` holds for. A caller that still has a lease of them
    /// must not begin with it: no invalidation would find it any more.
    pub(super) fn drop_if(&mut self, out: impl Fn(&Lease) -> bool) {
        self.by_query.retain(|_, weighted| {
            let keep = !weighted.leases().any(|lease| out(lease));
            if !keep {
                weighted.leases().for_each(|lease| lease.withdraw());
            }
            keep
        });
    }

    fn make_room(&mut self, clock: &dyn Clock) {
        if self.by_query.len() < MAX_LEASES {
            return;
        }
        self.drop_if(|lease| !lease.is_usable(clock));
        if self.by_query.len() >= MAX_LEASES {
            // A call that still needs one asks for it again.
            self.drop_if(|_| true);
        }
    }
}
