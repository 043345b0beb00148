//! Failover of streams, which ends with the first piece.

use std::time::Duration;

use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{GenerateRequest, GenerateResponse, StreamGenerateResponse};
use latchkey_migrations::testing::Backend;
use tonic::{Code, Status, Streaming};

use super::{are_recorded, failed, falling_back, reasons, router};
use crate::harness::{
    ACME, Answer, Router, anthropic, chat, claude, gpt, of, own, refused, version, version_uid,
};

const DOWN: &str = "PROVIDER_UNAVAILABLE";

fn pieces() -> Answer {
    Answer::events(&chat::pieces())
}

/// The final response of a stream, whose pieces must add up to "Good day".
async fn whole(router: &Router, request: GenerateRequest) -> GenerateResponse {
    let mut stream = router.stream(request).await.unwrap();
    let mut text = String::new();
    loop {
        match stream.message().await.unwrap().unwrap().event.unwrap() {
            Event::Delta(delta) => {
                if let Some(Delta::Text(more)) = delta.delta {
                    text.push_str(&more);
                }
            }
            Event::Completed(whole) => {
                // The text contains no pieces of an earlier attempt.
                assert_eq!(text, "Good day");
                return whole;
            }
        }
    }
}

async fn error(stream: &mut Streaming<StreamGenerateResponse>) -> Status {
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without an error"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_before_its_first_piece_is_retried() {
    let router = router().await;
    router.vault_grants([own("a")]);
    let overloaded = chat::error("server_error", "server_error", "sorry").to_string();
    for (answer, reason) in [
        (failed(500), DOWN),
        (Answer::hung_up(), DOWN),
        // These fail after a good head.
        (Answer::events::<String>(&[]), "STREAM_TRUNCATED"),
        (Answer::cut_events::<String>(&[]), "STREAM_TRUNCATED"),
        (Answer::events(&[overloaded]), DOWN),
        (Answer::cut(&chat::whole()), DOWN),
    ] {
        router.provider.returns_once(answer);
        router.provider.returns_once(pieces());
        let response = whole(&router, gpt()).await;
        assert_eq!(reasons(&response.attempts), [reason, ""]);
        are_recorded(&router, &response.attempts).await;
    }
}

#[tokio::test]
async fn a_stream_that_does_not_start_in_time_is_retried() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.first_byte_timeout = Duration::from_millis(300);
    })
    .await;
    let held = router.provider.holds_answer();
    router.provider.returns_once(pieces());
    let response = whole(&router, gpt()).await;
    assert_eq!(reasons(&response.attempts), ["PROVIDER_TIMEOUT", ""]);
    assert!(held.is_closed());
}

#[tokio::test]
async fn a_stream_moves_to_other_keys_and_models_before_its_first_piece() {
    let router = router().await;
    router.vault_grants([own("a"), own("b"), of("anthropic", own("c"))]);
    let throttled = failed(429).with("retry-after", "15");
    router.provider.returns_to("a", throttled);
    router.provider.returns_to("b", pieces());
    whole(&router, gpt()).await;
    router.provider.returns_to("b", failed(401));
    let events = Answer::events(&anthropic::pieces());
    router.provider.returns_to("c", events);
    let request = falling_back(["anthropic/claude-sonnet-5"], gpt());
    let response = whole(&router, request).await;
    assert_eq!(router.provider.keys(), ["a", "b", "b", "c"]);
    assert_eq!(response.model, "claude-sonnet-5");
    // The key that was throttled before was not called.
    assert_eq!(reasons(&response.attempts), ["PROVIDER_REJECTED_KEY", ""]);
}

#[tokio::test]
async fn a_stream_that_fails_after_its_first_piece_is_not_retried() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    let error_event = chat::error("server_error", "server_error", "sorry");
    for (answer, reason) in [
        (
            Answer::cut_events(&[chat::delta("Good ")]),
            "STREAM_TRUNCATED",
        ),
        (Answer::events(&[chat::delta("Good ")]), "STREAM_TRUNCATED"),
        (Answer::events(&[chat::delta("Good "), error_event]), DOWN),
    ] {
        let calls = router.provider.calls().len();
        router.provider.returns(answer);
        let request = falling_back(["openai/gpt-4o"], gpt());
        let mut stream = router.stream(request).await.unwrap();
        let outcome: Result<(), _> = Err(error(&mut stream).await);
        refused(outcome, Code::Unavailable, reason);
        assert_eq!(router.provider.calls().len(), calls + 1);
    }
}

#[tokio::test]
async fn the_error_of_a_stream_names_every_attempt() {
    let router = router().await;
    router.vault_grants([own("a")]);
    router.provider.returns_once(failed(500));
    router
        .provider
        .returns_once(Answer::cut_events(&[chat::delta("Good ")]));
    let mut stream = router.stream(gpt()).await.unwrap();
    let outcome: Result<(), _> = Err(error(&mut stream).await);
    let refusal = refused(outcome, Code::Unavailable, "STREAM_TRUNCATED");
    let named: Vec<_> = refusal.metadata["attempts"].split(' ').collect();
    let mut attempts = router.attempts().await;
    attempts.sort_by_key(|attempt| named.iter().position(|name| *name == attempt.name));
    assert_eq!(reasons(&attempts), [DOWN, "STREAM_TRUNCATED"]);
    assert_eq!(named.len(), 2);
}

/// The report is sent although the stream is not retried.
#[tokio::test]
async fn a_key_rejected_in_mid_stream_is_reported() {
    let router = router().await;
    router.vault_grants([own("a")]);
    let gone = chat::error("invalid_request_error", "invalid_api_key", "gone");
    router
        .provider
        .returns(Answer::events(&[chat::delta("Good "), gone]));
    let mut stream = router.stream(gpt()).await.unwrap();
    let outcome: Result<(), _> = Err(error(&mut stream).await);
    refused(outcome, Code::FailedPrecondition, "PROVIDER_REJECTED_KEY");
    let received = router
        .vault
        .receives(|received| !received.reports.is_empty())
        .await;
    let refused = version_uid(&version(ACME, "a"));
    assert_eq!(received.reports[0].key_version_uid, refused);
}

#[tokio::test]
async fn the_usage_of_earlier_attempts_is_in_the_sum() {
    let router = router().await;
    router.vault_grants([of("anthropic", own("c"))]);
    // The stream reports the input tokens before it breaks.
    let overloaded = anthropic::error("overloaded_error", "Overloaded");
    let began = Answer::events(&[anthropic::start(), overloaded]);
    router.provider.returns_once(began);
    let events = Answer::events(&anthropic::pieces());
    router.provider.returns_once(events);
    let response = whole(&router, claude()).await;
    let [first, second] = &response.attempts[..] else {
        panic!("expected two attempts")
    };
    let input = |usage: Option<latchkey_contract::router::v1::Usage>| {
        let usage = usage.unwrap();
        (usage.input_tokens, usage.cache_read_tokens)
    };
    assert_eq!(input(first.usage), (10, 20));
    assert_eq!(input(second.usage), (10, 20));
    assert_eq!(input(response.usage), (20, 40));
    assert_eq!(response.usage.unwrap().output_tokens, 51);
}
