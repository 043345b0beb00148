//! Outages of the database and the journal, and what works meanwhile.

use latchkey_boot::drain::Drain;
use latchkey_contract::router::v1::{Attempt, attempt};
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_router::config::{JournalConfig, RouterConfig};
use latchkey_router::domain::attempt::{AttemptId, AttemptOutcome};
use latchkey_router::store::Store;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{ACME, Answer, OWNER, Router, chat, gpt, refused, uid_of};
use crate::on_both_databases;

on_both_databases!(
    a_warm_call_needs_no_database,
    attempts_survive_a_restart,
    an_attempt_left_open_by_a_crash_becomes_unknown,
);

async fn a_warm_call_needs_no_database(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.attempts().await.len(), 1);
    router.take_database_away().await;
    for _ in 0..3 {
        router.generate(gpt()).await.unwrap();
    }
    router.bring_database_back().await;
    // The shipper retries by itself; a reader waits for it.
    while router.attempts().await.len() < 4 {}
    for attempt in router.attempts().await {
        assert_eq!(attempt.state(), attempt::State::Succeeded);
    }
}

async fn attempts_survive_a_restart(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    router.take_database_away().await;
    router.generate(gpt()).await.unwrap();
    let router = router.restart().await;
    router.bring_database_back().await;
    while router.attempts().await.len() < 2 {}
    for attempt in router.attempts().await {
        assert_eq!(attempt.state(), attempt::State::Succeeded);
    }
}

/// A process killed in mid-call leaves a started attempt of its journal in the database.
async fn an_attempt_left_open_by_a_crash_becomes_unknown(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.attempts().await.len(), 1);
    let made = &response.attempts[0].name;
    let (_, id) = made.rsplit_once('/').unwrap();
    let store = Store::connect(&router.database.url, 1).await.unwrap();
    let id = AttemptId(Uuid::try_parse(id).unwrap());
    let made = store
        .attempt(uid_of(ACME).parse().unwrap(), id)
        .await
        .unwrap();
    let mut left_open = made.unwrap();
    left_open.start.id = AttemptId(Uuid::from_u128(1));
    left_open.outcome = AttemptOutcome::default();
    store
        .record(router.journal_id(), &[left_open])
        .await
        .unwrap();

    let router = router.restart().await;
    let attempts = router.attempts().await;
    let states: Vec<_> = attempts.iter().map(Attempt::state).collect();
    let expected = [attempt::State::Succeeded, attempt::State::Unknown];
    assert_eq!(states, expected);
    assert_eq!(attempts[1].certainty(), attempt::Certainty::Unknown);
    assert_eq!(attempts[1].cost_nanos, None);
}

#[tokio::test]
async fn a_router_starts_and_answers_while_postgresql_is_unreachable() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://user@{}/nothing", unused.local_addr().unwrap());
    drop(unused);
    let router = Router::start_over(TestDatabase { url, folder: None }, |_| {}).await;
    router.provider.returns(Answer::json(200, &chat::whole()));
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(response.attempts[0].cost_nanos, Some(3_000_000));
}

/// Builds a router with an adjusted journal and returns the error text.
async fn fails_with(adjust: impl FnOnce(&mut RouterConfig)) -> String {
    let mut failure = String::new();
    let router = Router::start_with(Backend::Sqlite, |_| {}).await;
    let mut config = router.config();
    adjust(&mut config);
    let built = config.build_with(Drain::new(), router.clock.clone()).await;
    if let Err(error) = built {
        failure = format!("{error:?}");
    }
    failure
}

#[tokio::test]
async fn a_journal_that_cannot_be_opened_stops_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let message = fails_with(|config| {
        config.journal = JournalConfig {
            folder: file.join("journal"),
            sync_milliseconds: 10,
        };
    });
    assert!(message.await.contains("journal"));
}

#[tokio::test]
async fn a_journal_locked_by_another_router_stops_the_start() {
    // The router of `fails_with` uses the folder of a running router.
    assert!(fails_with(|_| {}).await.contains("InUse"));
}

#[tokio::test]
async fn usage_is_unavailable_without_the_database() {
    let router = Router::start(Backend::Sqlite).await;
    assert_eq!(router.attempts().await, []);
    router.take_database_away().await;
    let list = latchkey_contract::router::v1::ListAttemptsRequest {
        parent: ACME.to_owned(),
        ..Default::default()
    };
    let outcome = router.usage(OWNER).list_attempts(list).await;
    refused(outcome, Code::Unavailable, "DATABASE_UNAVAILABLE");
    let sum = latchkey_contract::router::v1::SummarizeUsageRequest {
        parent: ACME.to_owned(),
        ..Default::default()
    };
    let outcome = router.usage(OWNER).summarize_usage(sum).await;
    refused(outcome, Code::Unavailable, "DATABASE_UNAVAILABLE");
}
