//! Verification tasks of the vault.

use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{ProviderRefusal, verification::Grade};
use latchkey_migrations::testing::Backend;
use serde_json::json;

use crate::harness::{Answer, Router, SECRET, anthropic, chat};

/// Sends a verification task and waits for its outcome.
async fn task(router: &Router, provider: &str, base_url: &str) -> Outcome {
    let done = router.vault.receives(|_| true).await.results.len();
    let task_id = format!("task-{done}");
    router.vault.sends_task(&task_id, provider, base_url);
    let received = router
        .vault
        .receives(|received| received.results.len() > done)
        .await;
    let result = received.results.last().unwrap().clone();
    assert_eq!(result.task_id, task_id);
    result.outcome.unwrap()
}

#[track_caller]
fn verified(outcome: Outcome, grade: Grade) -> String {
    let Outcome::Verified(verification) = outcome else {
        panic!("the key is not verified: {outcome:?}")
    };
    assert_eq!(verification.grade(), grade);
    verification.detail
}

#[track_caller]
fn unreachable(outcome: Outcome) -> ProviderRefusal {
    let Outcome::Unreachable(refusal) = outcome else {
        panic!("the provider was reached: {outcome:?}")
    };
    refusal
}

fn models() -> Answer {
    Answer::json(200, &json!({"object": "list", "data": []}))
}

#[tokio::test]
async fn a_key_that_the_provider_accepts_is_alive() {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(models());
    let outcome = task(&router, "openai", &router.provider.openai_url()).await;
    verified(outcome, Grade::Alive);
    let call = router.provider.receives_call(1).await;
    assert_eq!((call.method.as_str(), &*call.path), ("GET", "/v1/models"));
    assert_eq!(call.header("authorization"), format!("Bearer {SECRET}"));

    let outcome = task(&router, "anthropic", &router.provider.anthropic_url()).await;
    verified(outcome, Grade::Alive);
    let call = router.provider.receives_call(2).await;
    assert!(call.path.starts_with("/v1/models"));
    assert_eq!(call.header("x-api-key"), SECRET);

    // A check has no payer, so it has no attempt.
    assert_eq!(router.attempts().await, []);
}

#[tokio::test]
async fn a_custom_server_that_lists_models_is_reachable() {
    let router = Router::start(Backend::Sqlite).await;
    router.provider.returns(models());
    let outcome = task(&router, "custom", &router.provider.openai_url()).await;
    verified(outcome, Grade::Reachable);
}

#[tokio::test]
async fn a_key_that_the_provider_refuses_is_rejected() {
    let router = Router::start(Backend::Sqlite).await;
    let message = format!("Incorrect API key provided: {SECRET}.");
    let error = chat::error("invalid_request_error", "invalid_api_key", &message);
    router.provider.returns(Answer::json(401, &error));
    let outcome = task(&router, "openai", &router.provider.openai_url()).await;
    let Outcome::Rejected(refusal) = outcome else {
        panic!("the key is not rejected: {outcome:?}")
    };
    assert_eq!(
        (refusal.http_status, &*refusal.code),
        (401, "invalid_api_key")
    );
    assert!(refusal.message.starts_with("Incorrect API key provided"));
    assert!(!refusal.message.contains(SECRET));
    assert_eq!(router.provider.calls().len(), 1);
}

#[tokio::test]
async fn a_key_without_credit_or_above_its_rate_is_limited() {
    let router = Router::start(Backend::Sqlite).await;
    let error = chat::error(
        "insufficient_quota",
        "insufficient_quota",
        "You have no credit.",
    );
    router.provider.returns(Answer::json(429, &error));
    let outcome = task(&router, "openai", &router.provider.openai_url()).await;
    assert_eq!(verified(outcome, Grade::Limited), "You have no credit.");
    let error = anthropic::error("rate_limit_error", "slow down");
    router.provider.returns(Answer::json(429, &error));
    let outcome = task(&router, "anthropic", &router.provider.anthropic_url()).await;
    assert_eq!(verified(outcome, Grade::Limited), "slow down");
}

#[tokio::test]
async fn a_failed_check_is_retried_once() {
    let router = Router::start(Backend::Sqlite).await;
    router
        .provider
        .returns(Answer::json(503, &json!({"error": {"message": "down"}})));
    let url = router.provider.openai_url();
    let refusal = unreachable(task(&router, "openai", &url).await);
    assert_eq!((refusal.http_status, &*refusal.message), (503, "down"));
    assert_eq!(router.provider.calls().len(), 2);
    router.provider.returns_once(Answer::json(500, &json!({})));
    router.provider.returns_once(models());
    verified(task(&router, "openai", &url).await, Grade::Alive);
}

#[tokio::test]
async fn a_malformed_answer_leaves_the_key_unverified() {
    let router = Router::start(Backend::Sqlite).await;
    let url = router.provider.openai_url();
    for answer in [
        Answer::text(200, "text/html", "<html>log in to this network</html>"),
        Answer::text(302, "text/plain", "").with("location", "https://example.com/"),
        Answer::cut(&json!({"object": "list", "data": []})),
    ] {
        router.provider.returns(answer);
        unreachable(task(&router, "openai", &url).await);
    }
}

#[tokio::test]
async fn a_provider_that_refuses_the_connection_is_unreachable() {
    let router = Router::start(Backend::Sqlite).await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}/v1", unused.local_addr().unwrap());
    drop(unused);
    let refusal = unreachable(task(&router, "openai", &nowhere).await);
    assert_eq!(
        (refusal.http_status, &*refusal.message),
        (0, "no connection was established")
    );
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_unreachable() {
    let router = Router::start_with(Backend::Sqlite, |config| {
        config.upstream.first_byte_timeout = std::time::Duration::from_millis(50);
    })
    .await;
    let _held = [
        router.provider.holds_answer(),
        router.provider.holds_answer(),
    ];
    let url = router.provider.openai_url();
    let refusal = unreachable(task(&router, "openai", &url).await);
    assert_eq!(refusal.message, "the answer did not begin in time");
}

#[tokio::test]
async fn a_forbidden_address_is_not_called() {
    let router = Router::start(Backend::Sqlite).await;
    for address in [
        "http://10.0.0.1/v1",
        "https://169.254.169.254/",
        "ftp://example.com/",
    ] {
        let refusal = unreachable(task(&router, "openai", address).await);
        assert_eq!(refusal.message, "the address may not be reached");
    }
    let refusal = unreachable(task(&router, "openai", "nonsense").await);
    assert_eq!(refusal.message, "the address is not a URL");
    let refusal = unreachable(task(&router, "unknown", "").await);
    assert_eq!(refusal.message, "this router does not know the provider");
    // A custom key must have a base URL.
    let refusal = unreachable(task(&router, "custom", "").await);
    assert_eq!(refusal.message, "the address may not be reached");
}
