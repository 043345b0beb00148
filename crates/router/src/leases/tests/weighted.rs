//! Leases of several keys for one query.

use std::collections::BTreeMap;

use latchkey_contract::vault::v1::{ResolveResponse, WeightedKey};

use super::*;

const FIRST: &str = "workspaces/acme/keys/first";
const SECOND: &str = "workspaces/acme/keys/second";
const EQUAL: &[(&str, i64)] = &[(FIRST, 1), (SECOND, 1)];

/// A lease of a key, with the weights of all keys of the query.
fn shared(key: &str, weights: &[(&str, i64)]) -> ResolveResponse {
    let weighted_key = |(key, weight): &(&str, i64)| WeightedKey {
        key: (*key).to_owned(),
        weight: *weight,
    };
    ResolveResponse {
        weighted_keys: weights.iter().map(weighted_key).collect(),
        ..leased(key, CHOSEN)
    }
}

/// Obtains `calls` leases, and grants the key that each request prefers. Returns the number of calls of
/// each key, and the preferred keys.
async fn used(
    fixture: &mut Fixture,
    calls: usize,
    weights: &[(&str, i64)],
) -> (BTreeMap<String, usize>, Vec<String>) {
    let (mut counts, mut preferred) = (BTreeMap::new(), Vec::new());
    for _ in 0..calls {
        let mut pending = fixture.start(query(ACME));
        let obtained = tokio::select! {
            biased;
            obtained = &mut pending => obtained,
            received = fixture.next_request() => {
                let key = received.request.preferred_key.clone();
                received.answer(shared(&key, weights));
                preferred.push(key);
                pending.await
            }
        };
        let lease = obtained.unwrap().unwrap();
        let key = lease.key_version().key.to_string();
        *counts.entry(key).or_default() += 1;
    }
    (counts, preferred)
}

#[tokio::test]
async fn calls_are_shared_and_each_key_is_leased_once() {
    let mut fixture = Fixture::in_session().await;
    fixture.obtain(query(ACME), shared(FIRST, EQUAL)).await;
    let (counts, preferred) = used(&mut fixture, 100, EQUAL).await;
    assert_eq!(preferred, [SECOND]);
    assert!(counts[FIRST].abs_diff(counts[SECOND]) <= 4, "{counts:?}");
}

#[tokio::test]
async fn an_invalidation_withdraws_the_leases_of_all_weighted_keys() {
    let mut fixture = Fixture::in_session().await;
    let first = fixture.obtain(query(ACME), shared(FIRST, EQUAL)).await;
    used(&mut fixture, 10, EQUAL).await;
    fixture.invalidate(scope(ACME), 8, &[]);
    assert!(first.begin_use(&*fixture.clock).is_err());
    let pending = fixture.start(query(ACME));
    let received = fixture.next_request().await;
    // The vault may choose other keys now.
    assert_eq!(received.request.preferred_key, "");
    received.answer(leased(KEY, &[(ACME, 8), ("platform", 8)]));
    obtained(pending).await;
}

#[tokio::test]
async fn other_weights_replace_the_leases_of_a_query() {
    let mut fixture = Fixture::in_session().await;
    let first = fixture.obtain(query(ACME), shared(FIRST, EQUAL)).await;
    let changed: &[_] = &[(FIRST, 1), (SECOND, 9)];
    let (counts, preferred) = used(&mut fixture, 100, changed).await;
    // The first key is leased again: its lease was granted with other weights.
    assert_eq!(preferred, [SECOND, FIRST]);
    assert!(first.begin_use(&*fixture.clock).is_err());
    assert!(counts[SECOND] > 80, "{counts:?}");
}
