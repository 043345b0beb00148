//! What is requested of the vault, and which of its answers are used.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{
    self, Candidate, FundingPolicy, KeyMaterial, Refusal, ResolveRequest, ResolveResponse,
    funding_policy,
};

use super::*;
use crate::domain::attempt::Payer;
use crate::domain::capability::Capability;
use crate::domain::funding::{Expectations, Funding, FundingFallback, Selection};
use crate::vault_client::encode_query;
use crate::vault_client::testing::key_version_uid;

fn name(key: &str) -> KeyName {
    key.parse().unwrap()
}

#[tokio::test]
async fn the_request_carries_the_whole_query() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start(KeyQuery {
        key: "main".parse().ok(),
        excluded: vec![name("workspaces/acme/keys/a"), name(PLATFORM_KEY)],
        payer: Some(Payer::OwnKey),
        funding: Funding {
            selection: Some(Selection::WhenNamed),
            when_missing: Some(FundingFallback::Platform),
            when_failed: Some(FundingFallback::Refuse),
            when_switched_off: None,
        },
        expectations: Some(expecting(|expected| {
            expected.provider = Some(ProviderId::OpenAi);
            expected.key_version = Some(version(KEY).parse().unwrap());
            expected.payer = Some(Payer::OwnKey);
        })),
        own_key_failed: true,
        ..query("workspaces/acme/projects/web")
    });
    let received = fixture.next_request().await;
    let expected = ResolveRequest {
        router_session: "s1".to_owned(),
        parent: "workspaces/acme/projects/web".to_owned(),
        key: "main".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-5.4".to_owned(),
        capability: v1::Capability::Generate.into(),
        excluded_keys: vec!["workspaces/acme/keys/a".to_owned(), PLATFORM_KEY.to_owned()],
        payer: v1::Payer::OwnKey.into(),
        caller: "token:app".to_owned(),
        funding: Some(FundingPolicy {
            selection: funding_policy::Selection::WhenNamed.into(),
            when_missing: funding_policy::FundingFallback::Platform.into(),
            when_failed: funding_policy::FundingFallback::Refuse.into(),
            when_switched_off: 0,
        }),
        expectations: Some(v1::Expectations {
            provider: "openai".to_owned(),
            key_version: version(KEY),
            payer: v1::Payer::OwnKey.into(),
            location: String::new(),
        }),
        own_key_failed: true,
        dry_run: false,
        preferred_key: String::new(),
    };
    assert_eq!(received.request, expected);
    received.answer(leased(KEY, CHOSEN));
    let lease = obtained(pending).await;
    assert_eq!(lease.key_version().to_string(), version(KEY));
    assert_eq!(lease.material_tail(), "-key");
}

#[tokio::test]
async fn queries_that_differ_in_one_part_share_no_lease() {
    let mut fixture = Fixture::in_session().await;
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let others = [
        query("workspaces/other"),
        query("workspaces/acme/projects/web"),
        KeyQuery {
            key: "main".parse().ok(),
            ..query(ACME)
        },
        KeyQuery {
            provider: Some(ProviderId::Custom),
            ..query(ACME)
        },
        KeyQuery {
            model: "gpt-5.4-mini".parse().ok(),
            ..query(ACME)
        },
        KeyQuery {
            capability: Capability::Embed,
            ..query(ACME)
        },
        KeyQuery {
            excluded: vec![name("workspaces/acme/keys/other")],
            ..query(ACME)
        },
        KeyQuery {
            payer: Some(Payer::OwnKey),
            ..query(ACME)
        },
        KeyQuery {
            caller: "token:other-app".into(),
            ..query(ACME)
        },
        KeyQuery {
            funding: Funding {
                when_failed: Some(FundingFallback::Refuse),
                ..Funding::default()
            },
            ..query(ACME)
        },
        KeyQuery {
            expectations: Some(expecting(|expected| expected.payer = Some(Payer::OwnKey))),
            ..query(ACME)
        },
        KeyQuery {
            own_key_failed: true,
            ..query(ACME)
        },
    ];
    for other in others {
        // Answered by the vault, not out of the cache.
        fixture.obtain(other, leased(KEY, CHOSEN)).await;
    }
}

#[tokio::test]
async fn a_malformed_lease_is_not_used() {
    type Damage = fn(&mut ResolveResponse);
    let damages: [Damage; 10] = [
        |answer| {
            answer.weighted_keys = vec![v1::WeightedKey {
                key: "nonsense".to_owned(),
                weight: 1,
            }];
        },
        |answer| answer.lease = None,
        |answer| answer.revisions.clear(),
        |answer| answer.revisions[0].workspace_uid = "nowhere".to_owned(),
        |answer| answer.lease.as_mut().unwrap().payer = 0,
        |answer| answer.lease.as_mut().unwrap().material = None,
        |answer| answer.lease.as_mut().unwrap().material = Some(KeyMaterial { kind: None }),
        |answer| answer.lease.as_mut().unwrap().provider = "unknown".to_owned(),
        |answer| answer.lease.as_mut().unwrap().base_url = "not a url".to_owned(),
        |answer| answer.lease.as_mut().unwrap().key_version = KEY.to_owned(),
    ];
    for damage in damages {
        let mut fixture = Fixture::in_session().await;
        let mut answer = leased(KEY, CHOSEN);
        damage(&mut answer);
        let pending = fixture.start(query(ACME));
        fixture.next_request().await.answer(answer);
        assert!(matches!(
            failed(pending).await,
            RouterError::VaultUnavailable
        ));
    }
}

#[tokio::test]
async fn a_lease_that_does_not_match_the_query_is_not_used() {
    let of_the_platform = || {
        let mut leased = leased(PLATFORM_KEY, CHOSEN);
        leased.lease.as_mut().unwrap().payer = v1::Payer::Platform.into();
        leased
    };
    let expects = |expect: fn(&mut Expectations)| KeyQuery {
        expectations: Some(expecting(expect)),
        ..query(ACME)
    };
    for (query, leased) in [
        (
            KeyQuery {
                excluded: vec![name(KEY)],
                ..query(ACME)
            },
            leased(KEY, CHOSEN),
        ),
        (
            KeyQuery {
                payer: Some(Payer::Platform),
                ..query(ACME)
            },
            leased(KEY, CHOSEN),
        ),
        (
            KeyQuery {
                funding: Funding {
                    selection: Some(Selection::WhenNamed),
                    ..Funding::default()
                },
                ..query(ACME)
            },
            leased(KEY, CHOSEN),
        ),
        (
            KeyQuery {
                funding: Funding {
                    when_failed: Some(FundingFallback::Refuse),
                    ..Funding::default()
                },
                own_key_failed: true,
                ..query(ACME)
            },
            of_the_platform(),
        ),
        (
            expects(|expected| expected.provider = Some(ProviderId::Custom)),
            leased(KEY, CHOSEN),
        ),
        (
            expects(|expected| {
                expected.key_version = Some(version(PLATFORM_KEY).parse().unwrap());
            }),
            leased(KEY, CHOSEN),
        ),
        (
            expects(|expected| expected.payer = Some(Payer::OwnKey)),
            of_the_platform(),
        ),
        (
            expects(|expected| expected.location = Some("europe-west4".to_owned())),
            leased(KEY, CHOSEN),
        ),
    ] {
        let mut fixture = Fixture::in_session().await;
        let pending = fixture.start(query.clone());
        fixture.next_request().await.answer(leased);
        let failed = failed(pending).await;
        assert!(matches!(failed, RouterError::VaultUnavailable), "{query:?}");
    }
}

fn expecting(expect: impl FnOnce(&mut Expectations)) -> Arc<Expectations> {
    let mut expected = Expectations::default();
    expect(&mut expected);
    Arc::new(expected)
}

/// A dry run's answer with this candidate.
fn dry_run_of(candidate: Candidate) -> ResolveResponse {
    ResolveResponse {
        candidates: vec![candidate],
        ..ResolveResponse::default()
    }
}

fn candidate() -> Candidate {
    Candidate {
        key: KEY.to_owned(),
        key_version: version(KEY),
        key_version_uid: key_version_uid(&version(KEY)).to_string(),
        provider: "openai".to_owned(),
        payer: v1::Payer::OwnKey.into(),
        step: 1,
        weight: 1,
        ..Candidate::default()
    }
}

#[tokio::test]
async fn a_dry_run_leases_nothing_and_is_not_cached() {
    let mut fixture = Fixture::in_session().await;
    for _ in 0..2 {
        let vault = Arc::clone(fixture.vault());
        let running = tokio::spawn(async move { vault.dry_run(&query(ACME)).await });
        let received = fixture.next_request().await;
        let expected = ResolveRequest {
            dry_run: true,
            ..encode_query(&query(ACME), "s1")
        };
        assert_eq!(received.request, expected);
        received.answer(dry_run_of(candidate()));
        let dry_run = running.await.unwrap().unwrap();
        assert_eq!(dry_run.candidates[0].key_version.to_string(), version(KEY));
    }
    // A call has to ask for itself.
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
}

#[tokio::test]
async fn a_malformed_dry_run_is_refused() {
    let damaged = |damage: fn(&mut Candidate)| {
        let mut candidate = candidate();
        damage(&mut candidate);
        dry_run_of(candidate)
    };
    let unknown_reason = Refusal {
        reason: "MOON_IS_FULL".to_owned(),
        ..Refusal::default()
    };
    for answer in [
        damaged(|candidate| candidate.payer = 0),
        damaged(|candidate| candidate.key_version = KEY.to_owned()),
        ResolveResponse {
            refusal: Some(unknown_reason),
            ..ResolveResponse::default()
        },
    ] {
        let mut fixture = Fixture::in_session().await;
        let vault = Arc::clone(fixture.vault());
        let running = tokio::spawn(async move { vault.dry_run(&query(ACME)).await });
        fixture.next_request().await.answer(answer);
        let failed = running.await.unwrap().err().unwrap();
        assert!(matches!(failed, RouterError::VaultUnavailable));
    }
}

/// A vault of a later release may know more.
#[tokio::test]
async fn a_dry_run_skips_a_key_of_an_unknown_provider() {
    let mut fixture = Fixture::in_session().await;
    let vault = Arc::clone(fixture.vault());
    let running = tokio::spawn(async move { vault.dry_run(&query(ACME)).await });
    let mut answer = dry_run_of(candidate());
    let unknown = Candidate {
        provider: "unknown".to_owned(),
        ..candidate()
    };
    answer.candidates.insert(0, unknown);
    fixture.next_request().await.answer(answer);
    let dry_run = running.await.unwrap().unwrap();
    assert_eq!(dry_run.candidates.len(), 1);
}
