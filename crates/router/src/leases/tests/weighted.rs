//! Keys that share the calls of one query.

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
        let mut asking = fixture.ask(query(ACME));
        let obtained = tokio::select! {
            biased;
            obtained = &mut asking => obtained,
            question = fixture.question() => {
                let key = question.request.preferred_key.clone();
                question.answer(shared(&key, weights));
                preferred.push(key);
                asking.await
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
    fixture.invalidate(&scope(ACME), 8, &[]);
    assert!(first.begin_use(&*fixture.clock).is_err());
    let asking = fixture.ask(query(ACME));
    let question = fixture.question().await;
    // The vault may choose other keys now.
    assert_eq!(question.request.preferred_key, "");
    question.answer(leased(KEY, &[(ACME, 8), ("platform", 8)]));
    obtained(asking).await;
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
