//! Keys that a provider refuses: they are replaced, and not tried again in vain.

use std::time::Duration;

use latchkey_contract::vault::v1::KeyReport;
use latchkey_migrations::testing::Backend;
use tonic::Code;

use super::{are_recorded, failed, falling_back, for_model, ok_answer, reasons, router};
use crate::harness::{ACME, Answer, Router, chat, gpt, own, refused, shared, version, version_uid};

const REJECTED: &str = "PROVIDER_REJECTED_KEY";

fn coded(status: u16, code: &str) -> Answer {
    Answer::json(status, &chat::error("some_error", code, "no"))
}

/// The key reports of the vault, once it has received this many.
async fn reports(router: &Router, count: usize) -> Vec<KeyReport> {
    let received = router
        .vault
        .receives(|received| received.reports.len() >= count);
    received.await.reports
}

#[tokio::test]
async fn a_rejected_key_is_reported_and_replaced() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_to("a", failed(401));
    router.provider.returns_to("b", ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), [REJECTED, ""]);
    are_recorded(&router, &response.attempts).await;
    let report = &reports(&router, 1).await[0];
    assert_eq!(report.key_version_uid, version_uid(&version(ACME, "a")));
    assert_eq!(report.refusal.as_ref().unwrap().http_status, 401);

    // The vault quarantines the key, and no later request uses it.
    router.vault_grants([own("b")]);
    router.vault.invalidates(ACME, 2, &[version(ACME, "a")]);
    router
        .vault
        .receives(|received| !received.acknowledgements.is_empty())
        .await;
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b", "b"]);
}

#[tokio::test]
async fn a_platform_key_does_not_replace_a_rejected_own_key() {
    let router = router().await;
    router.vault_grants([own("a"), shared("p")]);
    router.provider.returns(failed(401));
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::FailedPrecondition, REJECTED);
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn a_key_without_permission_cools_down_for_that_model_only() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.refused_pause = Duration::from_secs(20);
    })
    .await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns(ok_answer());
    for (index, refusal) in [
        || failed(403),
        || failed(402),
        || coded(429, "insufficient_quota"),
    ]
    .into_iter()
    .enumerate()
    {
        let model = &*format!("gpt-4.1-{index}");
        router.provider.returns_once(refusal());
        let calls = router.provider.calls().len();
        let response = router.generate(for_model(model)).await.unwrap();
        assert_ne!(reasons(&response.attempts)[0], "");
        router.generate(for_model(model)).await.unwrap();
        router.generate(for_model("gpt-4o")).await.unwrap();
        assert_eq!(router.provider.keys()[calls..], ["a", "b", "b", "a"]);
    }
    router.clock.advance(Duration::from_secs(20));
    router.generate(for_model("gpt-4.1-0")).await.unwrap();
    assert_eq!(router.provider.keys().last().unwrap(), "a");
    // The key itself is valid, so no report is sent.
    assert_eq!(reports(&router, 0).await, []);
}

/// A permission rarely returns while a caller waits, however short the cool-down is.
#[tokio::test]
async fn a_request_does_not_wait_for_a_missing_permission() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.attempts.refused_pause = Duration::from_secs(1);
    })
    .await;
    router.vault_grants([own("a")]);
    router.provider.returns(failed(403));
    for _ in 0..2 {
        let outcome = router.generate(gpt()).await;
        refused(outcome, Code::FailedPrecondition, REJECTED);
    }
    assert_eq!(router.provider.calls().len(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_reach_the_model_is_replaced() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router
        .provider
        .returns_to("a", coded(404, "model_not_found"));
    router.provider.returns_to("b", ok_answer());
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), ["MODEL_UNAVAILABLE", ""]);
}

#[tokio::test]
async fn a_rejected_request_is_neither_retried_nor_sent_to_a_fallback() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    for answer in [
        failed(400),
        failed(413),
        failed(422),
        coded(400, "context_length_exceeded"),
        coded(400, "content_policy_violation"),
        // Not even if the provider requests a retry.
        failed(400).with("x-should-retry", "true"),
    ] {
        let calls = router.provider.calls().len();
        router.provider.returns(answer);
        let request = falling_back(["openai/gpt-4o"], gpt());
        let outcome = router.generate(request).await;
        refused(outcome, Code::InvalidArgument, "PROVIDER_REJECTED_REQUEST");
        assert_eq!(router.provider.calls().len(), calls + 1);
    }
}
