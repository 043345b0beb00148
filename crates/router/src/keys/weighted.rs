//! The leases of one query: of one key, or of several that share the calls by their weights.
//!
//! Each call goes to the key whose turn it is. The turns are those of an additive recurrence with the
//! golden ratio (a Weyl sequence; Knuth, The Art of Computer Programming, volume 3, section 6.4): any
//! stretch of calls, however short, is shared nearly as the weights say, and no randomness is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::WeightedKey;

use super::Lease;

/// The keys that serve a query.
pub(super) struct WeightedLeases {
    entries: Vec<WeightedLease>,
    total: u64,
    calls: AtomicU64,
}

struct WeightedLease {
    key: KeyName,
    weight: u64,
    /// Its lease, once it was leased.
    lease: Option<Arc<Lease>>,
}

/// 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl WeightedLeases {
    /// Of the keys that the vault names; of the leased one alone where it names none.
    pub(super) fn new(weighted_keys: &[WeightedKey], leased: &KeyName) -> Option<Self> {
        let mut entries = Vec::with_capacity(weighted_keys.len().max(1));
        for key in weighted_keys {
            entries.push(WeightedLease {
                key: key.key.parse().ok()?,
                weight: u64::try_from(key.weight).ok()?.max(1),
                lease: None,
            });
        }
        if !entries.iter().any(|entry| entry.key == *leased) {
            entries.clear();
            entries.push(WeightedLease {
                key: leased.clone(),
                weight: 1,
                lease: None,
            });
        }
        let total = entries.iter().map(|entry| entry.weight).sum();
        Some(Self {
            entries,
            total,
            calls: AtomicU64::new(1),
        })
    }

    /// The key whose turn it is, and its lease if it is held.
    pub(super) fn next(&self) -> (&KeyName, Option<&Arc<Lease>>) {
        let entry = match &self.entries[..] {
            [alone] => alone,
            entries => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                let mut left = place(call, self.total);
                let mut at = entries.iter();
                loop {
                    let entry = at.next().unwrap_or(&entries[0]);
                    match left.checked_sub(entry.weight) {
                        None => break entry,
                        Some(rest) => left = rest,
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
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let terms = |weighted: &'_ Self| {
            let entries = weighted.entries.iter();
            let terms = entries.map(|entry| (entry.key.clone(), entry.weight));
            terms.collect::<Vec<_>>()
        };
        terms(self) == terms(other)
    }

    /// Adds a lease of one of the keys. What it takes the place of may not be used any more.
    pub(super) fn put(&mut self, lease: Arc<Lease>) {
        let key = &lease.key_version().key;
        let entry = self.entries.iter_mut().find(|entry| entry.key == *key);
        if let Some(entry) = entry
            && let Some(replaced) = entry.lease.replace(lease)
        {
            replaced.withdraw();
        }
    }

    /// The leases that are held.
    pub(super) fn leases(&self) -> impl Iterator<Item = &Arc<Lease>> {
        self.entries.iter().filter_map(|entry| entry.lease.as_ref())
    }
}

/// Where the turn of a call falls among `total` places.
fn place(call: u64, total: u64) -> u64 {
    let turn = u128::from(call.wrapping_mul(STEP));
    let scaled = (turn * u128::from(total)) >> 64;
    u64::try_from(scaled).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted(weights: &[i64]) -> WeightedLeases {
        let keys = (0..).map(|index| format!("platform/keys/k{index}"));
        let weighted_keys = keys.zip(weights).map(|(key, weight)| WeightedKey {
            key,
            weight: *weight,
        });
        let leased = "platform/keys/k0".parse().unwrap();
        WeightedLeases::new(&weighted_keys.collect::<Vec<_>>(), &leased).unwrap()
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
    fn a_million_to_one_is_a_million_to_one() {
        let counts = counted(&weighted(&[1_000_000, 1]), 100_000);
        assert!(counts[1] <= 1, "{counts:?}");
    }

    #[test]
    fn a_vault_that_names_no_weights_leases_one_key() {
        let leased = "platform/keys/k0".parse().unwrap();
        for weighted_keys in [
            Vec::new(),
            vec![WeightedKey {
                key: "platform/keys/other".to_owned(),
                weight: 1,
            }],
        ] {
            let weighted = WeightedLeases::new(&weighted_keys, &leased).unwrap();
            assert_eq!(weighted.next().0, &leased);
        }
        let odd = WeightedKey {
            key: "nonsense".to_owned(),
            weight: 1,
        };
        assert!(WeightedLeases::new(&[odd], &leased).is_none());
    }

    #[test]
    fn weights_are_at_least_one() {
        assert_eq!(counted(&weighted(&[0, 0]), 10), [5, 5]);
    }
}
