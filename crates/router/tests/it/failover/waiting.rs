//! Waiting for a throttled key, if every key is throttled and one is free again soon.

use std::time::{Duration, Instant};

use latchkey_contract::router::v1::GenerateRequest;
use tonic::Code;

use super::{claude_answer, failed, falling_back, ok_answer, reasons};
use crate::harness::{Answer, Router, gpt, of, own, refused};

fn throttled(milliseconds: &str) -> Answer {
    failed(429).with("retry-after-ms", milliseconds)
}

#[tokio::test]
async fn a_request_waits_for_a_briefly_throttled_key() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a")]);
    router.provider.returns_once(throttled("60"));
    router.provider.returns_once(ok_answer());
    let start = Instant::now();
    let response = router.generate(gpt()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert_eq!(reasons(&response.attempts), ["PROVIDER_THROTTLED", ""]);
}

#[tokio::test]
async fn a_request_waits_for_the_key_that_is_free_first() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(throttled("9000"));
    router.provider.returns_once(throttled("60"));
    router.provider.returns_once(ok_answer());
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b", "b"]);
}

#[tokio::test]
async fn a_request_waits_for_its_named_key() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(throttled("20"));
    router.provider.returns_once(ok_answer());
    let named = GenerateRequest {
        key: "b".to_owned(),
        ..gpt()
    };
    router.generate(named).await.unwrap();
    assert_eq!(router.provider.keys(), ["b", "b"]);
}

#[tokio::test]
async fn later_requests_wait_for_a_throttled_key() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a")]);
    router.provider.returns_once(throttled("1000"));
    // The deadline of this caller is before the end of the wait.
    let mut client = router.inference_with_deadline(Duration::from_millis(900));
    let outcome = client.generate(gpt()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    router.provider.returns_once(ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), [""]);
}

#[tokio::test]
async fn a_request_stops_waiting_at_its_call_limit() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a")]);
    router.provider.returns(throttled("1"));
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.calls().len(), 3);
}

#[tokio::test]
async fn a_wait_above_the_limit_is_returned_to_the_caller() {
    let router = Router::start_in_real_time(|config| {
        config.attempts.longest_wait = Duration::from_millis(20);
    })
    .await;
    router.vault_grants([own("a")]);
    router.provider.returns(throttled("2500"));
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(2_500)));
    assert_eq!(router.provider.calls().len(), 1);
}

/// A short wait for the first model takes precedence over a fallback.
#[tokio::test]
async fn a_fallback_is_used_if_the_wait_is_above_the_limit() {
    let router = Router::start_in_real_time(|_| {}).await;
    router.vault_grants([own("a"), of("anthropic", own("c"))]);
    router.provider.returns_to("a", throttled("11000"));
    router.provider.returns_to("c", claude_answer());
    let request = falling_back(["anthropic/claude-sonnet-5"], gpt());
    router.generate(request).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "c"]);
}
