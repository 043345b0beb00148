//! The loans of one wish: of one key, or of several that share the calls by their weights.
//!
//! Each call goes to the key whose turn it is. The turns are those of an additive recurrence with the
//! golden ratio (a Weyl sequence; Knuth, The Art of Computer Programming, volume 3, section 6.4): any
//! stretch of calls, however short, is shared nearly as the weights say, and no randomness is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::KeyShare;

use super::Loan;

/// The keys that serve a wish.
pub(super) struct Share {
    peers: Vec<Peer>,
    total: u64,
    calls: AtomicU64,
}

struct Peer {
    key: KeyName,
    weight: u64,
    /// Its loan, once it was borrowed.
    loan: Option<Arc<Loan>>,
}

/// 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Share {
    /// Of the keys that the vault names; of the lent one alone where it names none.
    pub(super) fn new(shares: &[KeyShare], lent: &KeyName) -> Option<Self> {
        let mut peers = Vec::with_capacity(shares.len().max(1));
        for share in shares {
            peers.push(Peer {
                key: share.key.parse().ok()?,
                weight: u64::try_from(share.weight).ok()?.max(1),
                loan: None,
            });
        }
        if !peers.iter().any(|peer| peer.key == *lent) {
            peers.clear();
            peers.push(Peer {
                key: lent.clone(),
                weight: 1,
                loan: None,
            });
        }
        let total = peers.iter().map(|peer| peer.weight).sum();
        Some(Self {
            peers,
            total,
            calls: AtomicU64::new(1),
        })
    }

    /// The key whose turn it is, and its loan if it is held.
    pub(super) fn next(&self) -> (&KeyName, Option<&Arc<Loan>>) {
        let peer = match &self.peers[..] {
            [alone] => alone,
            peers => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                let mut left = place(call, self.total);
                let mut at = peers.iter();
                loop {
                    let peer = at.next().unwrap_or(&peers[0]);
                    match left.checked_sub(peer.weight) {
                        None => break peer,
                        Some(rest) => left = rest,
                    }
                }
            }
        };
        (&peer.key, peer.loan.as_ref())
    }

    /// The loan of a key; of any, when none is named.
    pub(super) fn loan_of(&self, key: Option<&KeyName>) -> Option<&Arc<Loan>> {
        let mut peers = self.peers.iter();
        let peer = peers.find(|peer| match key {
            Some(key) => peer.key == *key,
            None => peer.loan.is_some(),
        });
        peer?.loan.as_ref()
    }

    /// Whether the calls are shared among the same keys by the same weights.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let terms = |share: &'_ Self| {
            let peers = share.peers.iter();
            let terms = peers.map(|peer| (peer.key.clone(), peer.weight));
            terms.collect::<Vec<_>>()
        };
        terms(self) == terms(other)
    }

    /// Adds a loan of one of the keys. What it takes the place of may not be used any more.
    pub(super) fn put(&mut self, loan: Arc<Loan>) {
        let key = &loan.key_version().key;
        let peer = self.peers.iter_mut().find(|peer| peer.key == *key);
        if let Some(peer) = peer
            && let Some(replaced) = peer.loan.replace(loan)
        {
            replaced.withdraw();
        }
    }

    /// The loans that are held.
    pub(super) fn loans(&self) -> impl Iterator<Item = &Arc<Loan>> {
        self.peers.iter().filter_map(|peer| peer.loan.as_ref())
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

    fn share(weights: &[i64]) -> Share {
        let keys = (0..).map(|index| format!("platform/keys/k{index}"));
        let shares = keys.zip(weights).map(|(key, weight)| KeyShare {
            key,
            weight: *weight,
        });
        let lent = "platform/keys/k0".parse().unwrap();
        Share::new(&shares.collect::<Vec<_>>(), &lent).unwrap()
    }

    fn counted(share: &Share, calls: usize) -> Vec<usize> {
        let mut counts = vec![0; share.peers.len()];
        for _ in 0..calls {
            let (key, _) = share.next();
            let index = share.peers.iter().position(|peer| peer.key == *key);
            counts[index.unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn calls_are_shared_by_weight_over_short_stretches_too() {
        let share = share(&[3, 1]);
        for _ in 0..50 {
            let counts = counted(&share, 20);
            assert!((13..=17).contains(&counts[0]), "{counts:?}");
        }
        let counts = counted(&share, 10_000);
        assert!((7_490..=7_510).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn a_million_to_one_is_a_million_to_one() {
        let counts = counted(&share(&[1_000_000, 1]), 100_000);
        assert!(counts[1] <= 1, "{counts:?}");
    }

    #[test]
    fn a_vault_that_names_no_shares_lends_one_key() {
        let lent = "platform/keys/k0".parse().unwrap();
        for shares in [
            Vec::new(),
            vec![KeyShare {
                key: "platform/keys/other".to_owned(),
                weight: 1,
            }],
        ] {
            let share = Share::new(&shares, &lent).unwrap();
            assert_eq!(share.next().0, &lent);
        }
        let odd = KeyShare {
            key: "nonsense".to_owned(),
            weight: 1,
        };
        assert!(Share::new(&[odd], &lent).is_none());
    }

    #[test]
    fn weights_are_at_least_one() {
        assert_eq!(counted(&share(&[0, 0]), 10), [5, 5]);
    }
}
