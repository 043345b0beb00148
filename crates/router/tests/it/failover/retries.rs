//! Retries of transient failures, within the limits of calls.

use std::time::{Duration, Instant};

use latchkey_migrations::testing::Backend;
use serde_json::json;
use tonic::Code;

use super::{are_recorded, failed, falling_back, ok_answer, reasons, router};
use crate::harness::{Answer, QUICK, Router, StoredKeys, chat, gpt, own, refused, shared};

const DOWN: &str = "PROVIDER_UNAVAILABLE";

#[tokio::test]
async fn a_transient_failure_is_retried_with_the_same_key() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    for (answer, reason) in [
        (failed(500), DOWN),
        (failed(502), DOWN),
        (failed(503), DOWN),
        (failed(504), "PROVIDER_TIMEOUT"),
        (failed(408), "PROVIDER_TIMEOUT"),
        (Answer::cut(&chat::whole()), DOWN),
        (Answer::hung_up(), DOWN),
    ] {
        let calls = router.provider.calls().len();
        router.provider.returns_once(answer);
        router.provider.returns_once(ok_answer());
        let response = router.generate(gpt()).await.unwrap();
        assert_eq!(router.provider.keys()[calls..], ["a", "a"]);
        assert_eq!(reasons(&response.attempts), [reason, ""]);
        are_recorded(&router, &response.attempts).await;
    }
    // A retry sends no query.
    assert_eq!(router.vault.queries().len(), 1);
}

#[tokio::test]
async fn an_unreachable_provider_is_dialled_again() {
    let router = router().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut key = own("a");
    key.base_url = format!("http://{}/v1", unused.local_addr().unwrap());
    drop(unused);
    router.vault_grants([key]);
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::Unavailable, DOWN);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 2);
    assert_eq!(reasons(&router.attempts().await), [DOWN, DOWN]);
}

#[tokio::test]
async fn a_call_that_times_out_is_retried() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.total_timeout = Duration::from_millis(300);
    })
    .await;
    let held = router.provider.holds_answer();
    router.provider.returns_once(ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), ["PROVIDER_TIMEOUT", ""]);
    assert!(held.is_closed());
}

#[tokio::test]
async fn a_retry_keeps_its_key_even_if_the_vault_would_grant_another() {
    let router = router().await;
    router.vault_grants_in_turn(StoredKeys {
        keys: vec![own("a"), own("b"), own("c")],
        ..StoredKeys::default()
    });
    router.provider.returns_once(failed(500));
    router.provider.returns_once(failed(500));
    router.provider.returns_once(ok_answer());
    router.generate(gpt()).await.unwrap();
    let keys = router.provider.keys();
    assert_eq!(keys[..2], ["a", "a"]);
    assert_ne!(keys[2], "a");
}

/// Each row: the limits per key, per model and per request, the keys, and the keys called.
#[tokio::test]
async fn the_limits_of_calls_hold_exactly() {
    for (per_key, per_model, most, keys, expected) in [
        (2, 3, 8, "a", "aa"),
        (2, 3, 8, "ab", "aab"),
        (1, 3, 8, "abcd", "abc"),
        (3, 3, 8, "ab", "aaa"),
        (9, 4, 8, "ab", "aaaa"),
        (2, 8, 8, "abc", "aabbcc"),
        (2, 8, 5, "abc", "aabbc"),
        (2, 8, 1, "abc", "a"),
    ] {
        let router = Router::start_with(Backend::Sqlite, |config| {
            config.attempts.per_key = per_key;
            config.attempts.per_model = per_model;
            config.attempts.most = most;
        })
        .await;
        router.vault_grants(keys.chars().map(|id| own(&id.to_string())));
        router.provider.returns(failed(500));
        let outcome = router.generate(gpt()).await;
        let refusal = refused(outcome, Code::Unavailable, DOWN);
        assert_eq!(router.provider.keys().concat(), expected);
        let named: Vec<_> = refusal.metadata["attempts"].split(' ').collect();
        let mut recorded = router.attempts().await;
        recorded.sort_by_key(|attempt| named.iter().position(|name| *name == attempt.name));
        let tried = recorded.iter().map(|attempt| attempt.name.as_str());
        assert_eq!(tried.collect::<Vec<_>>(), named);
        assert_eq!(named.len(), expected.len());
    }
}

#[tokio::test]
async fn the_limit_of_a_request_counts_the_calls_of_all_its_models() {
    let router = Router::start_with(Backend::Sqlite, |config| config.attempts.most = 5).await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns(failed(500));
    let request = falling_back(["openai/gpt-4o", "openai/gpt-4o-mini"], gpt());
    refused(router.generate(request).await, Code::Unavailable, DOWN);
    let calls = router.provider.calls();
    let models: Vec<_> = calls.iter().map(|call| &call.body["model"]).collect();
    assert_eq!(
        models,
        ["gpt-4.1", "gpt-4.1", "gpt-4.1", "gpt-4o", "gpt-4o"]
    );
    assert_eq!(router.provider.keys(), ["a", "a", "b", "a", "a"]);
}

#[tokio::test]
async fn a_platform_key_does_not_replace_a_failing_own_key() {
    let router = router().await;
    router.vault_grants([own("a"), shared("p")]);
    router.provider.returns(failed(500));
    refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    assert_eq!(router.provider.keys(), ["a", "a"]);
}

#[tokio::test]
async fn a_provider_may_forbid_a_retry() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router
        .provider
        .returns(failed(500).with("x-should-retry", "false"));
    refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn a_provider_may_request_a_retry() {
    let router = router().await;
    router.vault_grants([own("a")]);
    // Without the header, this failure is not transient.
    let answer = || Answer::text(307, "text/plain", "");
    router.provider.returns(answer());
    refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    assert_eq!(router.provider.calls().len(), 1);
    router
        .provider
        .returns_once(answer().with("x-should-retry", "true"));
    router.provider.returns(ok_answer());
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.calls().len(), 3);
}

#[tokio::test]
async fn a_retry_waits_as_long_as_the_provider_requests() {
    let router = router().await;
    let wait = Duration::from_millis(60);
    router
        .provider
        .returns_once(failed(503).with("retry-after-ms", "60"));
    router.provider.returns_once(ok_answer());
    let start = Instant::now();
    router.generate(gpt()).await.unwrap();
    assert!(start.elapsed() >= wait);
}

#[tokio::test]
async fn a_key_with_too_long_a_retry_delay_is_skipped() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router
        .provider
        .returns_to("a", failed(503).with("retry-after", "11"));
    router.provider.returns_to("b", ok_answer());
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b"]);
}

/// The malformed answer may have been billed.
#[tokio::test]
async fn a_malformed_answer_is_not_retried() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    for answer in [
        Answer::json(200, &json!({})),
        Answer::text(200, "text/html", "<html>"),
    ] {
        let calls = router.provider.calls().len();
        router.provider.returns(answer);
        let outcome = router.generate(gpt()).await;
        refused(outcome, Code::Unavailable, "PROVIDER_MALFORMED");
        assert_eq!(router.provider.calls().len(), calls + 1);
    }
}

#[tokio::test]
async fn each_retry_pauses_longer() {
    let pause = Duration::from_millis(20);
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.per_key = 3;
        config.attempts.first_pause = pause;
        config.attempts.longest_pause = pause * 2;
    })
    .await;
    router.provider.returns(failed(500));
    let start = Instant::now();
    refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    assert!(start.elapsed() >= pause * 3);
    assert_eq!(router.provider.calls().len(), QUICK.per_model);
}
