//! Calls that are cancelled by the caller, by its deadline, or by a drain.

use std::time::Duration;

use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{Usage, attempt};
use latchkey_migrations::testing::Backend;
use latchkey_router::domain::attempt::{AttemptId, State};
use latchkey_router::store::Store;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{
    ACME, APP, Answer, Router, anthropic, chat, claude, gpt, refused, streamed, uid_of,
};
use crate::on_both_databases;

on_both_databases!(
    a_caller_that_disconnects_cancels_the_call,
    a_caller_that_disconnects_ends_the_stream,
    a_callers_deadline_cancels_the_call,
    a_call_under_way_outlives_the_start_of_a_drain,
    a_process_that_ends_has_shipped_its_account,
);

async fn a_caller_that_disconnects_cancels_the_call(router: Router) {
    let mut held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    call.abort();
    held.closed().await;
    let attempt = router.settled().await;
    assert_eq!(attempt.state(), attempt::State::Cancelled);
    assert_eq!(attempt.error_reason, "");
    assert_eq!(attempt.http_status, 0);
    assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
    assert_eq!(attempt.cost_nanos, None);
}

async fn a_caller_that_disconnects_ends_the_stream(router: Router) {
    let feed = router.provider.starts_stream();
    for event in &anthropic::pieces()[..4] {
        feed.sends_chunk(event);
    }
    let mut stream = router.stream(claude()).await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::Delta(_))));
    drop(stream);
    feed.closed().await;
    let attempt = router.settled().await;
    assert_eq!(attempt.state(), attempt::State::Cancelled);
    assert_eq!(attempt.http_status, 200);
    // The usage reported so far is a lower bound.
    let usage = Usage {
        input_tokens: 10,
        cache_read_tokens: 20,
        cache_write_tokens: 30,
        cache_write_1h_tokens: 40,
        output_tokens: 1,
        reasoning_tokens: 0,
        ..Usage::default()
    };
    assert_eq!(attempt.usage, Some(usage));
    assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
    assert_eq!(attempt.cost_nanos, None);
}

async fn a_callers_deadline_cancels_the_call(router: Router) {
    let mut held = router.provider.holds_answer();
    let mut client = router.inference_with_deadline(Duration::from_secs(5));
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    let outcome = call.await.unwrap();
    let refusal = refused(outcome, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    held.closed().await;
    let attempt = router.settled().await;
    assert_eq!(attempt.state(), attempt::State::Cancelled);
    assert_eq!(attempt.error_reason, "DEADLINE_EXCEEDED");
    assert_eq!(refusal.metadata["attempts"], attempt.name);
    assert_eq!(router.provider.calls().len(), 1);
}

async fn a_call_under_way_outlives_the_start_of_a_drain(mut router: Router) {
    let held = router.provider.holds_answer();
    let feed = router.provider.starts_stream();
    let mut client = router.inference(APP);
    let mut call_client = client.clone();
    let call = tokio::spawn(async move { call_client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    for piece in chat::pieces() {
        feed.sends(&format!("data: {piece}\n\n"));
    }
    let mut stream = client
        .stream_generate(streamed(gpt()))
        .await
        .unwrap()
        .into_inner();
    router.drain.start();
    assert!(held.send(Answer::json(200, &chat::whole())).is_ok());
    let answered = call.await.unwrap().unwrap().into_inner();
    let mut names = vec![answered.attempts[0].name.clone()];
    while let Some(response) = stream.message().await.unwrap() {
        if let Some(Event::Completed(whole)) = response.event {
            names.push(whole.attempts[0].name.clone());
        }
    }
    router.stops().await;
    assert_eq!(names.len(), 2);
    for name in names {
        assert!(is_recorded(&router, &name).await);
    }
}

/// The database is slow, and must still hold every attempt once the process has ended.
async fn a_process_that_ends_has_shipped_its_account(mut router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    // The shipper is at work.
    assert_eq!(router.attempts().await, []);
    let lock = router.lock_database().await;
    let answered = router.generate(gpt()).await.unwrap();
    router.drain.start();
    // Every call has ended, and so has the session.
    router.vault.receives(|received| received.ended == 1).await;
    lock.release().await;
    router.stops().await;
    assert!(is_recorded(&router, &answered.attempts[0].name).await);
}

/// Whether the database has the attempt as succeeded.
async fn is_recorded(router: &Router, name: &str) -> bool {
    let store = Store::connect(&router.database.url, 1).await.unwrap();
    let (_, id) = name.rsplit_once('/').unwrap();
    let id = AttemptId(Uuid::try_parse(id).unwrap());
    let attempt = store
        .attempt(uid_of(ACME).parse().unwrap(), id)
        .await
        .unwrap();
    attempt.is_some_and(|attempt| attempt.outcome.state == State::Succeeded)
}

#[tokio::test]
async fn a_drain_that_is_cut_short_cancels_running_calls() {
    let mut router = Router::start(Backend::Sqlite).await;
    let mut held = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    router.drain.cut_short();
    call.await.unwrap().unwrap_err();
    held.closed().await;
    router.stops().await;
    // The next process has every attempt, shipped or not.
    let router = router.restart().await;
    assert_eq!(router.settled().await.state(), attempt::State::Cancelled);
}
