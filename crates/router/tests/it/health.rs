//! The circuit breaker of a provider that fails repeatedly.

use std::time::Duration;

use latchkey_migrations::testing::Backend;
use tonic::Code;

use crate::failover::{failed, for_model, ok_answer};
use crate::harness::{APP, Answer, Router, chat, gpt, own, refused};

const DOWN: &str = "PROVIDER_UNAVAILABLE";
const PAUSE: Duration = Duration::from_secs(5);

/// A router whose breaker opens after two failures, with one call per key.
async fn router() -> Router {
    Router::start_with(Backend::Sqlite, |config| {
        config.attempts.per_key = 1;
        config.attempts.breaker_failures = 2;
        config.attempts.breaker_pause = PAUSE;
        config.attempts.breaker_longest_pause = PAUSE * 3;
    })
    .await
}

/// A router whose breaker has just opened.
async fn open() -> Router {
    let router = router().await;
    router.vault_grants([own("a")]);
    router.provider.returns(failed(500));
    for _ in 0..2 {
        refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    }
    router
}

/// Checks that requests are refused without a call, with this `retry_after`.
async fn is_open(router: &Router, wait: Duration) {
    let calls = router.provider.calls().len();
    let refusal = refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    assert_eq!(refusal.retry_after, Some(wait));
    assert!(!refusal.metadata.contains_key("attempts"));
    let refusal = refused(router.stream(gpt()).await, Code::Unavailable, DOWN);
    assert_eq!(refusal.retry_after, Some(wait));
    assert_eq!(router.provider.calls().len(), calls);
}

#[tokio::test]
async fn an_open_breaker_makes_no_call_and_no_query() {
    let router = open().await;
    is_open(&router, PAUSE).await;
    router.clock.advance(Duration::from_secs(2));
    is_open(&router, Duration::from_secs(3)).await;
    assert_eq!(router.vault.queries().len(), 1);
    assert_eq!(router.attempts().await.len(), 2);
    // The breaker covers every model of the provider.
    let outcome = router.generate(for_model("gpt-4o")).await;
    refused(outcome, Code::Unavailable, DOWN);
    assert_eq!(router.provider.calls().len(), 2);
}

#[tokio::test]
async fn broken_connections_and_timeouts_count_as_breaker_failures() {
    for answer in [
        || Answer::cut(&chat::whole()),
        Answer::hung_up,
        || failed(504),
    ] {
        let router = router().await;
        router.vault_grants([own("a")]);
        router.provider.returns(answer());
        for _ in 0..2 {
            router.generate(gpt()).await.unwrap_err();
        }
        is_open(&router, PAUSE).await;
    }
}

#[tokio::test]
async fn only_consecutive_failures_open_the_breaker() {
    let router = router().await;
    router.vault_grants([own("a")]);
    for answer in [
        failed(500),
        ok_answer(),
        failed(500),
        // A refusal proves that the provider works.
        failed(400),
        failed(500),
        failed(404),
        failed(500),
    ] {
        router.provider.returns_once(answer);
    }
    for _ in 0..7 {
        let _ = router.generate(gpt()).await;
    }
    assert_eq!(router.provider.calls().len(), 7);
    router.provider.returns(failed(500));
    refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    is_open(&router, PAUSE).await;
}

#[tokio::test]
async fn an_open_breaker_does_not_affect_another_key() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_to("a", failed(500));
    router.provider.returns_to("b", ok_answer());
    for _ in 0..4 {
        router.generate(gpt()).await.unwrap();
    }
    let expected = ["a", "b", "a", "b", "b", "b"];
    assert_eq!(router.provider.keys(), expected);
    assert_eq!(router.vault.queries().len(), 2);
}

#[tokio::test]
async fn a_successful_trial_closes_the_breaker() {
    let router = open().await;
    router.clock.advance(PAUSE);
    router.provider.returns(ok_answer());
    for _ in 0..3 {
        router.generate(gpt()).await.unwrap();
    }
    // The breaker opens after as many failures as before.
    router.provider.returns(failed(500));
    for _ in 0..2 {
        refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
    }
    assert_eq!(router.provider.calls().len(), 2 + 3 + 2);
    is_open(&router, PAUSE).await;
}

#[tokio::test]
async fn a_failed_trial_opens_the_breaker_for_longer() {
    let router = open().await;
    for (passes, wait) in [(PAUSE, PAUSE * 2), (PAUSE * 2, PAUSE * 3)] {
        router.clock.advance(passes);
        let calls = router.provider.calls().len();
        refused(router.generate(gpt()).await, Code::Unavailable, DOWN);
        assert_eq!(router.provider.calls().len(), calls + 1);
        is_open(&router, wait).await;
    }
}

#[tokio::test]
async fn only_one_call_at_a_time_is_the_trial() {
    let router = open().await;
    router.clock.advance(PAUSE);
    let trial = router.provider.holds_answer();
    let mut client = router.inference(APP);
    let call = tokio::spawn(async move { client.generate(gpt()).await });
    router.provider.receives_call(3).await;
    is_open(&router, PAUSE).await;
    assert!(trial.send(ok_answer()).is_ok());
    call.await.unwrap().unwrap();
    router.provider.returns(ok_answer());
    router.generate(gpt()).await.unwrap();
}
