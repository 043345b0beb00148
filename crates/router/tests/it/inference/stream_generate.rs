//! `StreamGenerate`.

use std::time::Duration;

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    FinishReason, GenerateRequest, GenerateResponse, StreamGenerateRequest, StreamGenerateResponse,
    Usage, attempt,
};
use latchkey_migrations::testing::Backend;
use serde_json::json;
use tonic::{Code, Status, Streaming};

use super::failures::{self, Failure, numbered};
use crate::harness::{
    ACME, APP, Answer, Router, SECRET, anthropic, chat, claude, gpt, on, refused, version,
    version_uid,
};
use crate::on_both_databases;

on_both_databases!(
    openai_answers_piece_by_piece,
    anthropic_answers_piece_by_piece,
    the_attempt_of_the_stream_is_recorded,
    a_piece_is_passed_on_as_soon_as_it_arrives,
    a_stream_completes_even_if_the_connection_stays_open,
    a_stream_without_usage_has_no_cost,
    a_stream_whose_connection_breaks_is_truncated,
    a_stream_without_its_final_event_is_truncated,
    an_unstreamed_answer_completes_the_stream_at_once,
    an_error_event_of_openai_ends_the_stream,
    an_error_event_of_anthropic_ends_the_stream,
    a_malformed_event_ends_the_stream,
    a_malformed_field_is_named_from_the_outer_request,
);

on_both_databases!(|config| config.attempts = crate::harness::ONCE;
    a_failure_of_openai_before_the_first_piece_fails_the_call,
    a_failure_of_anthropic_before_the_first_piece_fails_the_call,
    a_stream_that_ends_before_its_first_piece_fails_the_call,
);

/// The content of a stream, and its end.
struct Given {
    text: String,
    completed: Option<GenerateResponse>,
    error: Option<Status>,
}

async fn all(mut stream: Streaming<StreamGenerateResponse>) -> Given {
    let mut given = Given {
        text: String::new(),
        completed: None,
        error: None,
    };
    loop {
        match stream.message().await {
            Ok(Some(response)) => match response.event.unwrap() {
                Event::Delta(delta) => {
                    assert!(given.completed.is_none());
                    assert_eq!(delta.part_index, 0);
                    let Some(Delta::Text(text)) = delta.delta else {
                        panic!("the delta is not text")
                    };
                    given.text.push_str(&text);
                }
                Event::Completed(whole) => {
                    assert!(given.completed.replace(whole).is_none());
                }
            },
            Ok(None) => return given,
            Err(status) => {
                given.error = Some(status);
                return given;
            }
        }
    }
}

/// The content of a failed stream, and its error.
async fn broken(stream: Streaming<StreamGenerateResponse>) -> (String, Result<(), Status>) {
    let given = all(stream).await;
    assert!(given.completed.is_none());
    (given.text, Err(given.error.unwrap()))
}

async fn openai_answers_piece_by_piece(router: Router) {
    router
        .provider
        .returns(Answer::events(&chat::pieces()).with("x-request-id", "req_1"));
    let given = all(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(given.text, "Good day");
    let whole = given.completed.unwrap();
    let message = whole.message.unwrap();
    let text = Content::Text("Good day".to_owned());
    assert_eq!(message.parts[0].content, Some(text));
    assert_eq!(whole.finish_reason, i32::from(FinishReason::Stop));
    assert_eq!(whole.model, "gpt-4.1-2025-04-14");
    assert_eq!(whole.attempts[0].cost_nanos, Some(3_000_000));
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.body["stream"], true);
    assert_eq!(call.body["stream_options"], json!({"include_usage": true}));
    assert_eq!(call.header("authorization"), format!("Bearer {SECRET}"));
}

async fn anthropic_answers_piece_by_piece(router: Router) {
    router
        .provider
        .returns(Answer::events(&anthropic::pieces()));
    let given = all(router.stream(claude()).await.unwrap()).await;
    assert_eq!(given.text, "Good day");
    let whole = given.completed.unwrap();
    assert_eq!(whole.native_finish_reason, "end_turn");
    assert_eq!(whole.attempts[0].cost_nanos, Some(759_000));
}

async fn the_attempt_of_the_stream_is_recorded(router: Router) {
    router
        .provider
        .returns(Answer::events(&chat::pieces()).with("x-request-id", "req_1"));
    let given = all(router.stream(gpt()).await.unwrap()).await;
    let whole = given.completed.unwrap();
    let [attempt] = &whole.attempts[..] else {
        panic!("expected one attempt")
    };
    assert!(attempt.streamed);
    assert_eq!(attempt.state(), attempt::State::Succeeded);
    assert_eq!(attempt.http_status, 200);
    assert_eq!(attempt.provider_request_id, "req_1");
    assert_eq!(attempt.certainty(), attempt::Certainty::Reported);
    assert_eq!(attempt.usage, whole.usage);
    assert_eq!(
        attempt.first_byte_latency,
        Some(prost_types::Duration::default())
    );
    assert_eq!(router.attempts().await, whole.attempts);
}

async fn a_piece_is_passed_on_as_soon_as_it_arrives(router: Router) {
    let feed = router.provider.starts_stream();
    let mut client = router.inference(APP);
    let request = crate::harness::streamed(gpt());
    let call = tokio::spawn(async move { client.stream_generate(request).await });
    router.provider.receives_call(1).await;
    feed.sends_chunk(&chat::delta("Good "));
    let mut stream = call.await.unwrap().unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    let Some(Event::Delta(first)) = first.event else {
        panic!("the event is not a delta")
    };
    assert_eq!(first.delta, Some(Delta::Text("Good ".to_owned())));
    router.clock.advance(Duration::from_secs(2));
    for chunk in [chat::delta("day"), chat::stop(), chat::used()] {
        feed.sends_chunk(&chunk);
    }
    feed.sends("data: [DONE]\n\n");
    let attempts = all(stream).await.completed.unwrap().attempts;
    assert_eq!(
        attempts[0].first_byte_latency,
        Some(prost_types::Duration::default())
    );
    assert_eq!(attempts[0].latency.unwrap().seconds, 2);
}

async fn a_stream_completes_even_if_the_connection_stays_open(router: Router) {
    let feed = router.provider.starts_stream();
    for piece in chat::pieces() {
        feed.sends(&format!("data: {piece}\n\n"));
    }
    let given = all(router.stream(gpt()).await.unwrap()).await;
    assert!(given.completed.is_some());
    assert_eq!(
        router.attempts().await[0].state(),
        attempt::State::Succeeded
    );
    feed.closed().await;
}

async fn a_stream_without_usage_has_no_cost(router: Router) {
    let mut pieces = chat::pieces();
    pieces.remove(3);
    router.provider.returns(Answer::events(&pieces));
    let given = all(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(given.completed.unwrap().usage, None);
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Succeeded);
    assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
    assert_eq!(attempt.cost_nanos, None);
}

async fn a_failure_of_openai_before_the_first_piece_fails_the_call(router: Router) {
    let failures = failures::openai().into_iter().chain(failures::whole());
    for (number, failure) in failures.enumerate() {
        fails(&router, numbered(gpt(), number), failure).await;
    }
}

async fn a_failure_of_anthropic_before_the_first_piece_fails_the_call(router: Router) {
    for (number, failure) in failures::of_anthropic().into_iter().enumerate() {
        fails(&router, numbered(claude(), number), failure).await;
    }
}

async fn fails(router: &Router, request: GenerateRequest, failure: Failure) {
    router.provider.returns((failure.answer)());
    let received = router.vault.receives(|_| true).await.reports.len();
    let refusal = refused(router.stream(request).await, failure.code, failure.reason);
    failure.check_refusal(&refusal);
    let attempt = &router.attempts().await[0];
    assert_eq!(refusal.metadata["attempts"], attempt.name);
    failure.is_recorded(attempt);
    if failure.reported {
        let received = router
            .vault
            .receives(|now| now.reports.len() > received)
            .await;
        let report = received.reports.last().unwrap();
        assert_eq!(report.key_version_uid, version_uid(&version(ACME, "main")));
    }
    // The next attempt must be newer.
    router.clock.advance(Duration::from_micros(1));
}

async fn a_stream_whose_connection_breaks_is_truncated(router: Router) {
    let pieces = [chat::delta("Good "), chat::delta("d")];
    router.provider.returns(Answer::cut_events(&pieces));
    let (text, error) = broken(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(text, "Good d");
    refused(error, Code::Unavailable, "STREAM_TRUNCATED");
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Failed);
    assert_eq!(attempt.error_reason, "STREAM_TRUNCATED");
    assert_eq!(attempt.http_status, 200);
}

async fn a_stream_without_its_final_event_is_truncated(router: Router) {
    router
        .provider
        .returns(Answer::events(&[chat::delta("Good ")]));
    let (text, error) = broken(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(text, "Good ");
    refused(error, Code::Unavailable, "STREAM_TRUNCATED");
    assert_eq!(router.provider.calls().len(), 1);
    assert_eq!(router.attempts().await[0].error_reason, "STREAM_TRUNCATED");
}

async fn a_stream_that_ends_before_its_first_piece_fails_the_call(router: Router) {
    for answer in [
        Answer::events::<String>(&[]),
        Answer::text(200, "text/event-stream", "<html>"),
    ] {
        router.provider.returns(answer);
        let outcome = router.stream(gpt()).await;
        refused(outcome, Code::Unavailable, "STREAM_TRUNCATED");
    }
    for attempt in router.attempts().await {
        assert_eq!(attempt.state(), attempt::State::Failed);
        assert_eq!(attempt.error_reason, "STREAM_TRUNCATED");
    }
}

async fn an_unstreamed_answer_completes_the_stream_at_once(router: Router) {
    router.provider.returns(Answer::json(200, &chat::whole()));
    let given = all(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(given.text, "");
    let whole = given.completed.unwrap();
    let text = Content::Text("Good day".to_owned());
    assert_eq!(whole.message.unwrap().parts[0].content, Some(text));
    let attempt = &whole.attempts[0];
    assert_eq!(attempt.cost_nanos, Some(3_000_000));
    assert!(attempt.streamed && attempt.first_byte_latency.is_some());
    assert_eq!(router.attempts().await, whole.attempts);
}

async fn an_error_event_of_openai_ends_the_stream(router: Router) {
    let message = format!("the key {SECRET} is too fast");
    let error = chat::error("rate_limit", "rate_limit_exceeded", &message);
    router
        .provider
        .returns(Answer::events(&[chat::delta("Good "), chat::used(), error]));
    let (text, error) = broken(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(text, "Good ");
    let refusal = refused(error, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(refusal.metadata["provider_code"], "rate_limit_exceeded");
    assert!(!format!("{refusal:?}").contains(SECRET));
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.state(), attempt::State::Failed);
    assert_eq!(attempt.error_reason, "PROVIDER_THROTTLED");
    assert_eq!(attempt.http_status, 200);
    // The usage reported so far is known to be incomplete.
    assert_eq!(attempt.usage.unwrap().input_tokens, 600);
    assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
    assert_eq!(attempt.cost_nanos, None);
}

async fn an_error_event_of_anthropic_ends_the_stream(router: Router) {
    let error = anthropic::error("overloaded_error", "Overloaded");
    let mut events = anthropic::pieces();
    events.truncate(4);
    events.push(error);
    router.provider.returns(Answer::events(&events));
    let (_, error) = broken(router.stream(claude()).await.unwrap()).await;
    refused(error, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    let attempt = &router.attempts().await[0];
    assert_eq!(attempt.error_reason, "PROVIDER_UNAVAILABLE");
    assert_eq!(attempt.provider_request_id, "req_body");
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
}

async fn a_malformed_event_ends_the_stream(router: Router) {
    let pieces = [chat::delta("Good ").to_string(), "{\"choices\":".to_owned()];
    router.provider.returns(Answer::events(&pieces));
    let (text, error) = broken(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(text, "Good ");
    refused(error, Code::Unavailable, "PROVIDER_MALFORMED");
    assert_eq!(
        router.attempts().await[0].error_reason,
        "PROVIDER_MALFORMED"
    );
}

async fn a_malformed_field_is_named_from_the_outer_request(router: Router) {
    let no_messages = GenerateRequest {
        messages: Vec::new(),
        ..gpt()
    };
    let no_provider = GenerateRequest {
        provider: "acme".to_owned(),
        ..gpt()
    };
    for (request, field) in [
        (None, "request"),
        (Some(on("acme", gpt())), "request.parent"),
        (Some(no_provider), "request.provider"),
        (Some(no_messages), "request.messages"),
    ] {
        let request = StreamGenerateRequest { request };
        let outcome = router.inference(APP).stream_generate(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.server.max_message_bytes = 1_000;
    })
    .await;
    let request = GenerateRequest {
        model: "x".repeat(1_000),
        ..gpt()
    };
    let outcome = router.stream(request.clone()).await;
    refused(outcome, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
    let outcome = router.generate(request).await;
    refused(outcome, Code::InvalidArgument, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn a_stream_without_events_for_too_long_is_abandoned() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.idle_timeout = Duration::from_secs(1);
    })
    .await;
    let feed = router.provider.starts_stream();
    feed.sends_chunk(&chat::delta("Good "));
    let (text, error) = broken(router.stream(gpt()).await.unwrap()).await;
    assert_eq!(text, "Good ");
    refused(error, Code::DeadlineExceeded, "PROVIDER_TIMEOUT");
    assert_eq!(router.attempts().await[0].error_reason, "PROVIDER_TIMEOUT");
    feed.closed().await;
}

#[tokio::test]
async fn a_stream_that_does_not_start_is_abandoned() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.first_byte_timeout = Duration::from_millis(50);
        config.attempts = crate::harness::ONCE;
    })
    .await;
    let held = router.provider.holds_answer();
    refused(
        router.stream(gpt()).await,
        Code::DeadlineExceeded,
        "PROVIDER_TIMEOUT",
    );
    assert_eq!(router.attempts().await[0].error_reason, "PROVIDER_TIMEOUT");
    drop(held);
}

/// The body ends after the answer. A connection closed at the end of the answer could never be
/// reused. A kept one becomes free in the background, so the next call may still miss it.
#[tokio::test]
async fn a_connection_is_reused_if_the_body_ends_after_the_answer() {
    let router = Router::start(Backend::Sqlite).await;
    for calls in 1..=50 {
        let feed = router.provider.starts_stream();
        for piece in chat::pieces() {
            feed.sends(&format!("data: {piece}\n\n"));
        }
        let given = all(router.stream(gpt()).await.unwrap()).await;
        assert!(given.completed.is_some());
        if router.provider.connections() < calls {
            return;
        }
        drop(feed);
    }
    panic!("every call made a connection of its own");
}

/// A TLS handshake per call would dominate the router's latency.
#[tokio::test]
async fn successive_calls_use_one_connection() {
    let router = Router::start(Backend::Sqlite).await;
    for _ in 0..5 {
        router.provider.returns(Answer::events(&chat::pieces()));
        assert!(
            all(router.stream(gpt()).await.unwrap())
                .await
                .completed
                .is_some()
        );
        router.provider.returns(Answer::json(200, &chat::whole()));
        router.generate(gpt()).await.unwrap();
    }
    assert_eq!(router.provider.connections(), 1);
}
