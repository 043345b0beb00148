//! The leases of one query: of one key, or of several keys that share the calls by weight.
//!
//! An additive recurrence with the golden ratio assigns each call to a key (a Weyl sequence; Knuth, The
//! Art of Computer Programming, volume 3, section 6.4). Even a short run of calls is distributed nearly
//! by the weights, without randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_contract::names::KeyName;

use super::Lease;

/// The keys that serve a query, and the leases of them.
pub(super) struct WeightedLeases {
    entries: Vec<WeightedLease>,
    total: u64,
    calls: AtomicU64,
}

struct WeightedLease {
    key: KeyName,
    weight: u64,
    /// Its lease, once one was granted.
    lease: Option<Arc<Lease>>,
}

/// 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl WeightedLeases {
    /// The keys that the vault names, or the leased key alone where it is not among them.
    pub(super) fn new(weighted_keys: &[(KeyName, u64)], leased: &KeyName) -> Self {
        let entry = |key: &KeyName, weight: u64| WeightedLease {
            key: key.clone(),
            weight: weight.max(1),
            lease: None,
        };
        let entries = if weighted_keys.iter().any(|(key, _)| key == leased) {
            let entries = weighted_keys.iter();
            entries.map(|(key, weight)| entry(key, *weight)).collect()
        } else {
            vec![entry(leased, 1)]
        };
        let weights = entries.iter().map(|entry: &WeightedLease| entry.weight);
        Self {
            total: weights.fold(0, u64::saturating_add),
            entries,
            calls: AtomicU64::new(1),
        }
    }

    /// The key of the next call, and its lease if one is cached.
    pub(super) fn next(&self) -> (&KeyName, Option<&Arc<Lease>>) {
        let entry = match &self.entries[..] {
            [alone] => alone,
            entries => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                let mut offset = place(call, self.total);
                let mut remaining = entries.iter();
                loop {
                    let entry = remaining.next().unwrap_or(&entries[0]);
                    match offset.checked_sub(entry.weight) {
                        None => break entry,
                        Some(rest) => offset = rest,
                    }
                }
            }
        };
        (&entry.key, entry.lease.as_ref())
    }

    /// The lease of a key; of any, when none is named.
    pub(super) fn lease_of(&self, key: Option<&KeyName>) -> Option<&Arc<Lease>> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| match key {
            Some(key) => entry.key == *key,
            None => entry.lease.is_some(),
        });
        entry?.lease.as_ref()
    }

    /// Whether the calls are shared among the same keys by the same weights.
    pub(super) fn has_the_weights_of(&self, other: &Self) -> bool {
        let terms = |weighted: &'_ Self| {
            let entries = weighted.entries.iter();
            let terms = entries.map(|entry| (entry.key.clone(), entry.weight));
            terms.collect::<Vec<_>>()
        };
        terms(self) == terms(other)
    }

    /// Adds a lease of one of the keys. A lease that it replaces is withdrawn.
    pub(super) fn put(&mut self, lease: Arc<Lease>) {
        let key = &lease.key_version().key;
        let entry = self.entries.iter_mut().find(|entry| entry.key == *key);
        if let Some(entry) = entry
            && let Some(replaced) = entry.lease.replace(lease)
        {
            replaced.withdraw();
        }
    }

    /// The cached leases.
    pub(super) fn leases(&self) -> impl Iterator<Item = &Arc<Lease>> {
        self.entries.iter().filter_map(|entry| entry.lease.as_ref())
    }
}

/// The place of a call among `total` places.
fn place(call: u64, total: u64) -> u64 {
    let turn = u128::from(call.wrapping_mul(STEP));
    let scaled = (turn * u128::from(total)) >> 64;
    u64::try_from(scaled).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> KeyName {
        format!("platform/keys/{name}").parse().unwrap()
    }

    fn weighted(weights: &[u64]) -> WeightedLeases {
        let keys = (0..).map(|index| key(&format!("k{index}")));
        let weighted_keys: Vec<_> = keys.zip(weights.iter().copied()).collect();
        WeightedLeases::new(&weighted_keys, &key("k0"))
    }

    fn counted(weighted: &WeightedLeases, calls: usize) -> Vec<usize> {
        let mut counts = vec![0; weighted.entries.len()];
        for _ in 0..calls {
            let (key, _) = weighted.next();
            let index = weighted.entries.iter().position(|entry| entry.key == *key);
            counts[index.unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn calls_are_shared_by_weight_over_short_stretches_too() {
        let weighted = weighted(&[3, 1]);
        for _ in 0..50 {
            let counts = counted(&weighted, 20);
            assert!((13..=17).contains(&counts[0]), "{counts:?}");
        }
        let counts = counted(&weighted, 10_000);
        assert!((7_490..=7_510).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn a_weight_of_one_in_a_million_gets_one_call_in_a_million() {
        let counts = counted(&weighted(&[1_000_000, 1]), 100_000);
        assert!(counts[1] <= 1, "{counts:?}");
    }

    #[test]
    fn without_weights_the_leased_key_serves_every_call() {
        for weighted_keys in [Vec::new(), vec![(key("other"), 1)]] {
            let weighted = WeightedLeases::new(&weighted_keys, &key("k0"));
            assert_eq!(weighted.next().0, &key("k0"));
        }
    }

    #[test]
    fn weights_are_at_least_one() {
        assert_eq!(counted(&weighted(&[0, 0]), 10), [5, 5]);
    }
}
