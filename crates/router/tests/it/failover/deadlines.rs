//! The caller's deadline, which no attempt outlives.

use std::time::Duration;

use latchkey_contract::router::v1::Attempt;
use latchkey_contract::router::v1::attempt::State;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_migrations::testing::Backend;
use tonic::Code;

use super::{failed, reasons, router};
use crate::harness::{Answer, Caller, Router, chat, gpt, own, refused, streamed};

const TOO_LATE: &str = "DEADLINE_EXCEEDED";
const SPAN: Duration = Duration::from_secs(5);

/// Advances time past the deadline of the running requests.
async fn time_is_up() {
    tokio::time::pause();
    tokio::time::advance(SPAN).await;
    tokio::time::resume();
}

#[tokio::test]
async fn the_refusal_at_a_deadline_names_the_attempts() {
    let router = router().await;
    router.vault_grants([own("a")]);
    router.provider.returns_once(failed(500));
    let mut held = router.provider.holds_answer();
    let mut client = router.inference_with_deadline(SPAN);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(2).await;
    time_is_up().await;
    let refusal = refused(call.await.unwrap(), Code::DeadlineExceeded, TOO_LATE);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 2);
    held.closed().await;
    let attempts = router.attempts().await;
    let mut states: Vec<_> = attempts.iter().map(Attempt::state).collect();
    states.sort_by_key(|state| *state == State::Cancelled);
    assert_eq!(states, [State::Failed, State::Cancelled]);
    assert_eq!(router.provider.calls().len(), 2);
}

#[tokio::test]
async fn a_deadline_ends_a_stream_before_its_first_piece() {
    let router = router().await;
    // The provider has sent the head only.
    let feed = router.provider.starts_stream();
    let mut client = router.inference_with_deadline(SPAN);
    let call = tokio::spawn(async move { client.stream_generate(streamed(gpt())).await });
    router.provider.receives_call(1).await;
    time_is_up().await;
    refused(call.await.unwrap(), Code::DeadlineExceeded, TOO_LATE);
    feed.closed().await;
    let attempt = router.settled().await;
    assert_eq!(attempt.state(), State::Cancelled);
    assert_eq!(attempt.error_reason, TOO_LATE);
}

#[tokio::test]
async fn a_deadline_ends_a_stream_after_its_first_piece() {
    let router = router().await;
    router.provider.returns_once(failed(500));
    let feed = router.provider.starts_stream();
    feed.sends_chunk(&chat::delta("Good "));
    feed.sends_chunk(&chat::used());
    let mut client = router.inference_with_deadline(SPAN);
    let start = client.stream_generate(streamed(gpt())).await.unwrap();
    let mut stream = start.into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::Delta(_))));
    time_is_up().await;
    let refusal = refused(stream.message().await, Code::DeadlineExceeded, TOO_LATE);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 2);
    feed.closed().await;
    let attempts = router.attempts().await;
    let cut = attempts
        .iter()
        .find(|attempt| attempt.state() == State::Cancelled)
        .unwrap();
    assert_eq!(cut.error_reason, TOO_LATE);
    // The usage is a lower bound.
    assert_eq!(cut.usage.unwrap().input_tokens, 600);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_the_vault() {
    let router = router().await;
    router.vault.stops_answering();
    let mut client = router.inference_with_deadline(SPAN);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router
        .vault
        .receives(|received| received.queries.len() == 1)
        .await;
    time_is_up().await;
    let refusal = refused(call.await.unwrap(), Code::DeadlineExceeded, TOO_LATE);
    assert!(!refusal.metadata.contains_key("attempts"));
    assert_eq!(router.attempts().await, []);
}

/// The last failure is returned at once if the next attempt would start after the deadline.
#[tokio::test]
async fn a_retry_whose_pause_would_outlast_the_deadline_is_not_made() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.first_pause = SPAN;
        config.attempts.longest_pause = SPAN;
    })
    .await;
    router.vault_grants([own("a")]);
    router.provider.returns(failed(500));
    let outcome = router.inference_with_deadline(SPAN).generate(gpt()).await;
    refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    assert_eq!(router.provider.calls().len(), 1);
}

#[tokio::test]
async fn a_caller_that_disconnects_in_a_pause_ends_the_retries() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.first_pause = SPAN;
        config.attempts.longest_pause = SPAN;
    })
    .await;
    router.provider.returns(failed(500));
    let mut client = router.inference(Caller("app"));
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(1).await;
    assert_eq!(reasons(&[router.settled().await]), ["PROVIDER_UNAVAILABLE"]);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // Later requests are served, and no retry of the aborted request follows.
    router.provider.returns(Answer::json(200, &chat::whole()));
    router.generate(gpt()).await.unwrap();
    time_is_up().await;
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.calls().len(), 3);
}
