//! Leases: how long they are used, what withdraws them, and what is requested of the vault.

mod fixture;
mod queries;
mod weighted;

use std::sync::Barrier;
use std::time::Duration;

use latchkey_clock::{Clock as _, Timestamp};
use latchkey_contract::Reason;
use latchkey_rpc::refusal::Refusal;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use self::fixture::{Fixture, failed, leased, obtained, query, version};
use super::cache::MAX_LEASES;
use super::*;
use crate::domain::model_id::ModelId;
use crate::vault_client::decode_grant;
use crate::vault_client::testing::{FRESHNESS, workspace_uid};

const ACME: &str = "workspaces/acme";
const KEY: &str = "workspaces/acme/keys/main";
const PLATFORM_KEY: &str = "platform/keys/main";
const MICROSECOND: Duration = Duration::from_micros(1);
/// Where a choice for ACME was made.
const CHOSEN: &[(&str, i64)] = &[(ACME, 5), ("platform", 7)];

fn scope(name: &str) -> WorkspaceUid {
    workspace_uid(name)
}

#[tokio::test]
async fn a_lease_is_used_again_for_the_same_query() {
    let mut fixture = Fixture::in_session().await;
    let first = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let second = fixture.reuse(query(ACME)).await;
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn an_invalidation_drops_what_depends_on_its_scope() {
    for changed in [ACME, "platform"] {
        let mut fixture = Fixture::in_session().await;
        let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
        fixture.invalidate(scope(changed), 8, &[]);
        assert!(lease.begin_use(&*fixture.clock).is_err(), "{changed}");
        let chosen_again = [(ACME, 8), ("platform", 8)];
        fixture
            .obtain(query(ACME), leased(KEY, &chosen_again))
            .await;
    }
}

#[tokio::test]
async fn an_invalidation_leaves_the_leases_that_were_granted_after_it() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let (_, granted_at) = CHOSEN[0];
    fixture.invalidate(scope(ACME), granted_at, &[]);
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    fixture.reuse(query(ACME)).await;
}

#[tokio::test]
async fn an_invalidation_of_another_workspace_changes_nothing() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    fixture.invalidate(scope("workspaces/other"), 8, &[]);
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    fixture.reuse(query(ACME)).await;
}

#[tokio::test]
async fn an_answer_older_than_an_invalidation_is_requested_again() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start(query(ACME));
    let received = fixture.next_request().await;
    fixture.invalidate(scope(ACME), 6, &[version(KEY)]);
    received.answer(leased(KEY, CHOSEN));
    let received = fixture.next_request().await;
    let other = "workspaces/acme/keys/other";
    received.answer(leased(other, &[(ACME, 6), ("platform", 7)]));
    let lease = obtained(pending).await;
    assert_eq!(lease.key_version().to_string(), version(other));
}

#[tokio::test]
async fn repeated_invalidations_end_in_vault_unavailable() {
    let mut fixture = Fixture::in_session().await;
    fixture.invalidate(scope(ACME), 6, &[]);
    let pending = fixture.start(query(ACME));
    for _ in 0..MAX_OVERTAKEN {
        fixture.next_request().await.answer(leased(KEY, CHOSEN));
    }
    assert!(matches!(
        failed(pending).await,
        RouterError::VaultUnavailable
    ));
}

#[tokio::test]
async fn an_answer_of_an_ended_session_is_not_cached() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start(query(ACME));
    let received = fixture.next_request().await;
    fixture.begin_session("s2");
    received.answer(leased(KEY, CHOSEN));
    let received = fixture.next_request().await;
    assert_eq!(received.request.router_session, "s2");
    received.answer(leased(KEY, CHOSEN));
    obtained(pending).await;
}

#[tokio::test]
async fn a_new_session_forgets_the_revisions_of_the_old_one() {
    let mut fixture = Fixture::in_session().await;
    fixture.invalidate(scope(ACME), 100, &[]);
    // Such as after the vault's database was restored.
    fixture.begin_session("s2");
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
}

#[tokio::test]
async fn a_lease_lapses_with_the_freshness_of_its_session() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let almost = FRESHNESS.checked_sub(MICROSECOND).unwrap();
    fixture.clock.advance(almost);
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    fixture.clock.advance(MICROSECOND);
    assert!(lease.begin_use(&*fixture.clock).is_err());
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
}

#[tokio::test]
async fn a_keep_alive_extends_from_when_it_was_sent() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let sent = fixture.clock.boottime();
    fixture.clock.advance(FRESHNESS / 2);
    let session = fixture.vault().session().unwrap();
    // A shorter span never takes back what was granted.
    session.extend(sent, Duration::from_secs(1));
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    session.extend(sent, FRESHNESS * 2);
    let almost = (FRESHNESS * 3 / 2).checked_sub(MICROSECOND).unwrap();
    fixture.clock.advance(almost);
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    fixture.clock.advance(MICROSECOND);
    assert!(lease.begin_use(&*fixture.clock).is_err());
}

#[tokio::test]
async fn a_lease_lapses_when_its_key_expires() {
    let mut fixture = Fixture::in_session().await;
    let expiry = fixture.clock.now() + Duration::from_secs(1);
    let (seconds, nanos) = expiry.to_unix();
    let mut answer = leased(KEY, CHOSEN);
    if let Some(lease) = &mut answer.lease {
        let nanos = i32::try_from(nanos).unwrap();
        lease.expire_time = Some(prost_types::Timestamp { seconds, nanos });
    }
    let lease = fixture.obtain(query(ACME), answer).await;
    assert!(lease.begin_use(&*fixture.clock).is_ok());
    // The calendar alone decides: a key expires at a date.
    fixture.clock.set(expiry);
    assert!(lease.begin_use(&*fixture.clock).is_err());
    fixture.clock.set(Timestamp::UNIX_EPOCH);
    assert!(lease.begin_use(&*fixture.clock).is_ok());
}

#[tokio::test]
async fn a_lost_session_leaves_its_leases_until_they_lapse() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    fixture.vault().lose_session();
    fixture.reuse(query(ACME)).await;
    let pending = fixture.start(query("workspaces/other"));
    assert!(matches!(
        failed(pending).await,
        RouterError::VaultUnavailable
    ));
    fixture.clock.advance(FRESHNESS);
    assert!(lease.begin_use(&*fixture.clock).is_err());
    let pending = fixture.start(query(ACME));
    assert!(matches!(
        failed(pending).await,
        RouterError::VaultUnavailable
    ));
    assert!(!fixture.has_request());
}

#[tokio::test]
async fn an_ended_or_a_new_session_drops_all_leases() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    fixture.end_session();
    assert!(lease.begin_use(&*fixture.clock).is_err());
    fixture.begin_session("s2");
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    fixture.begin_session("s3");
    assert!(lease.begin_use(&*fixture.clock).is_err());
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
}

#[tokio::test]
async fn without_a_session_no_request_is_sent() {
    let mut fixture = Fixture::without_session().await;
    let pending = fixture.start(query(ACME));
    assert!(matches!(
        failed(pending).await,
        RouterError::VaultUnavailable
    ));
    assert!(!fixture.has_request());
}

#[tokio::test]
async fn concurrent_callers_with_the_same_query_share_one_request() {
    let mut fixture = Fixture::in_session().await;
    let all: Vec<_> = (0..10).map(|_| fixture.start(query(ACME))).collect();
    let received = fixture.next_request().await;
    received.answer(leased(KEY, CHOSEN));
    let mut leases = Vec::new();
    for pending in all {
        leases.push(obtained(pending).await);
    }
    assert!(leases.iter().all(|lease| Arc::ptr_eq(lease, &leases[0])));
    assert!(!fixture.has_request());
    assert!(fixture.leases.flights.is_empty());
}

#[tokio::test]
async fn a_caller_with_another_query_does_not_wait() {
    let mut fixture = Fixture::in_session().await;
    let first = fixture.start(query(ACME));
    let held_up = fixture.next_request().await;
    fixture
        .obtain(query("workspaces/other"), leased(KEY, CHOSEN))
        .await;
    held_up.answer(leased(KEY, CHOSEN));
    obtained(first).await;
}

#[tokio::test]
async fn a_cancelled_caller_passes_the_request_on_to_the_next() {
    let mut fixture = Fixture::in_session().await;
    let first = fixture.start(query(ACME));
    let abandoned = fixture.next_request().await;
    let second = fixture.start(query(ACME));
    first.abort();
    assert!(first.await.err().unwrap().is_cancelled());
    fixture.next_request().await.answer(leased(KEY, CHOSEN));
    obtained(second).await;
    drop(abandoned);
    assert!(fixture.leases.flights.is_empty());
}

#[tokio::test]
async fn a_request_to_a_silent_vault_times_out() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start(query(ACME));
    let _silent = fixture.next_request().await;
    // From here on, the paused clock advances as soon as every task waits.
    tokio::time::pause();
    assert!(matches!(
        failed(pending).await,
        RouterError::VaultUnavailable
    ));
    assert!(fixture.leases.flights.is_empty());
}

#[tokio::test]
async fn a_refusal_for_the_caller_is_passed_on() {
    let mut fixture = Fixture::in_session().await;
    let pending = fixture.start(query(ACME));
    let refusal = Refusal::new(Reason::OwnKeyRequired, "no key")
        .with(KEY, "KEY_DISABLED")
        .violation("model", "is denied");
    fixture
        .next_request()
        .await
        .refuse(refusal.into_status("vault.latchkey"));
    let RouterError::Refused(refusal) = failed(pending).await else {
        panic!("it is not the vault's refusal");
    };
    assert_eq!(refusal.reason, Reason::OwnKeyRequired);
    assert_eq!(refusal.message, "no key");
    assert_eq!(refusal.metadata[KEY], "KEY_DISABLED");
    assert_eq!(
        refusal.violations,
        [("model".to_owned(), "is denied".to_owned())]
    );
}

#[tokio::test]
async fn a_failure_between_router_and_vault_is_not_passed_on() {
    let of_the_session = Refusal::new(Reason::RouterSessionUnknown, "it is between us");
    let details = ErrorDetails::with_error_info("SOMETHING_NEW", "vault.latchkey", []);
    let of_a_later_version =
        Status::with_error_details(Code::FailedPrecondition, "it is new", details);
    for status in [
        Status::unavailable("down"),
        Status::unauthenticated("who are you"),
        of_the_session.into_status("vault.latchkey"),
        of_a_later_version,
    ] {
        let mut fixture = Fixture::in_session().await;
        let pending = fixture.start(query(ACME));
        fixture.next_request().await.refuse(status);
        assert!(matches!(
            failed(pending).await,
            RouterError::VaultUnavailable
        ));
    }
}

#[tokio::test]
async fn an_acknowledgement_counts_the_calls_with_revoked_versions() {
    let mut fixture = Fixture::in_session().await;
    let second = "workspaces/acme/keys/second";
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let web = query("workspaces/acme/projects/web");
    let same_version = fixture.obtain(web, leased(KEY, CHOSEN)).await;
    let mini = KeyQuery {
        model: "gpt-5.4-mini".parse().ok(),
        ..query(ACME)
    };
    let other_version = fixture.obtain(mini, leased(second, CHOSEN)).await;
    let clock = &*fixture.clock;
    let running = [
        lease.begin_use(clock).unwrap(),
        same_version.begin_use(clock).unwrap(),
        other_version.begin_use(clock).unwrap(),
    ];
    let acme = scope(ACME);
    assert_eq!(fixture.invalidate(acme, 6, &[version(KEY)]), 2);
    let both = [version(KEY), version(second)];
    assert_eq!(fixture.invalidate(acme, 7, &both), 3);
    assert_eq!(fixture.invalidate(acme, 8, &[]), 0);
    drop(running);
    assert_eq!(fixture.invalidate(acme, 9, &both), 0);
}

#[tokio::test]
async fn a_running_call_counts_after_its_lease_was_withdrawn() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    let running = lease.begin_use(&*fixture.clock).unwrap();
    drop(lease);
    // The lease is dropped for another reason first, and leased again.
    fixture.invalidate(scope(ACME), 6, &[]);
    let again = [(ACME, 6), ("platform", 7)];
    let lease = fixture.obtain(query(ACME), leased(KEY, &again)).await;
    let second = lease.begin_use(&*fixture.clock).unwrap();
    assert_eq!(fixture.invalidate(scope(ACME), 7, &[version(KEY)]), 2);
    drop(second);
    fixture.begin_session("s2");
    assert_eq!(fixture.invalidate(scope(ACME), 8, &[version(KEY)]), 1);
    drop(running);
    assert_eq!(fixture.invalidate(scope(ACME), 9, &[version(KEY)]), 0);
}

#[tokio::test]
async fn a_revoked_platform_key_is_withdrawn_from_every_workspace() {
    let mut fixture = Fixture::in_session().await;
    let mut leases = Vec::new();
    for workspace in ["workspaces/a", "workspaces/b"] {
        let chosen = [(workspace, 1), ("platform", 7)];
        leases.push(
            fixture
                .obtain(query(workspace), leased(PLATFORM_KEY, &chosen))
                .await,
        );
    }
    let revoked = [version(PLATFORM_KEY)];
    fixture.invalidate(scope("platform"), 8, &revoked);
    for lease in leases {
        assert!(lease.begin_use(&*fixture.clock).is_err());
    }
}

/// An invalidation either counts a call or prevents it.
#[tokio::test]
async fn a_call_concurrent_with_an_invalidation_is_counted_or_prevented() {
    let mut fixture = Fixture::in_session().await;
    let (mut counted, mut prevented) = (0, 0);
    for revision in 6..1_000 {
        let chosen = [(ACME, revision - 1), ("platform", 7)];
        let lease = fixture.obtain(query(ACME), leased(KEY, &chosen)).await;
        let both = Barrier::new(2);
        let (fixture, clock) = (&fixture, &*fixture.clock);
        let (begun, count) = std::thread::scope(|scope| {
            let begins = scope.spawn(|| {
                both.wait();
                lease.begin_use(clock)
            });
            both.wait();
            let acme = self::scope(ACME);
            let count = fixture.invalidate(acme, revision, &[version(KEY)]);
            (begins.join().unwrap(), count)
        });
        match begun {
            Ok(_running) => {
                assert_eq!(count, 1);
                counted += 1;
            }
            Err(Lapsed) => prevented += 1,
        }
    }
    assert_eq!(counted + prevented, 994);
}

#[tokio::test]
async fn a_full_cache_evicts_and_withdraws_its_leases() {
    let mut fixture = Fixture::in_session().await;
    let lease = fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
    for number in 1..MAX_LEASES {
        let query = KeyQuery {
            model: number.to_string().parse::<ModelId>().ok(),
            ..query(ACME)
        };
        let session = fixture.vault().session().unwrap();
        let grant = decode_grant(session, leased(KEY, CHOSEN)).unwrap();
        let cached = fixture.leases.keep(&query, grant);
        assert!(cached.unwrap().is_some());
    }
    fixture.reuse(query(ACME)).await;
    fixture
        .obtain(query("workspaces/other"), leased(KEY, CHOSEN))
        .await;
    // No invalidation would reach the evicted lease, so it must not be used.
    assert!(lease.begin_use(&*fixture.clock).is_err());
    fixture.obtain(query(ACME), leased(KEY, CHOSEN)).await;
}
