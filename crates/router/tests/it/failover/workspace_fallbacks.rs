//! The workspace's fallbacks, for requests without fallbacks.

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::vault::v1::Lease;
use tonic::Code;

use super::{claude_answer, failed, falling_back, ok_answer, reasons, router};
use crate::harness::{Answer, Router, StoredKeys, gpt, of, own, refused, shared};

const CLAUDE: &str = "anthropic/claude-sonnet-5";

/// A router with these keys and workspace fallbacks; only the key `c` works.
async fn with_list(keys: Vec<Lease>, fallbacks: Vec<&'static str>) -> Router {
    let router = router().await;
    router.vault_grants_from(StoredKeys {
        keys,
        fallbacks,
        ..StoredKeys::default()
    });
    router.provider.returns(throttled());
    router.provider.returns_to("c", claude_answer());
    router
}

fn throttled() -> Answer {
    failed(429).with("retry-after", "15")
}

fn both() -> Vec<Lease> {
    vec![own("a"), of("anthropic", own("c"))]
}

#[tokio::test]
async fn the_workspaces_fallbacks_are_cached_with_the_first_lease() {
    let router = with_list(both(), vec!["openai/gpt-4o", CLAUDE]).await;
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "a", "c"]);
    let throttled = "PROVIDER_THROTTLED";
    assert_eq!(reasons(&response.attempts), [throttled, throttled, ""]);
    // The fallbacks are cached with the lease.
    let queries = router.vault.queries().len();
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.vault.queries().len(), queries);
    assert_eq!(router.provider.keys().len(), 4);
}

#[tokio::test]
async fn the_workspaces_fallbacks_are_used_if_the_first_model_has_no_key() {
    let keys = vec![of("anthropic", own("c"))];
    let router = with_list(keys, vec!["deepseek/deepseek-chat", CLAUDE]).await;
    let response = router.generate(gpt()).await.unwrap();
    assert_eq!(reasons(&response.attempts), [""]);
    assert_eq!(router.provider.keys(), ["c"]);
}

#[tokio::test]
async fn a_refusal_does_not_reveal_the_workspaces_fallbacks() {
    let router = with_list(vec![of("deepseek", own("d"))], vec![CLAUDE]).await;
    let outcome = router.generate(gpt()).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert!(!refusal.metadata.contains_key("fallbacks"));
}

#[tokio::test]
async fn a_request_may_disable_the_workspaces_fallbacks() {
    let router = with_list(both(), vec![CLAUDE]).await;
    let request = GenerateRequest {
        no_fallback: true,
        ..gpt()
    };
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn the_fallbacks_of_a_request_replace_those_of_the_workspace() {
    let router = with_list(both(), vec![CLAUDE]).await;
    let request = falling_back(["openai/gpt-4o"], gpt());
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a", "a"]);
}

#[tokio::test]
async fn a_request_with_a_named_key_ignores_the_workspaces_fallbacks() {
    let router = with_list(both(), vec![CLAUDE]).await;
    let request = GenerateRequest {
        key: "a".to_owned(),
        ..gpt()
    };
    let outcome = router.generate(request).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn a_rejected_request_does_not_use_the_workspaces_fallbacks() {
    let router = with_list(both(), vec![CLAUDE]).await;
    router.provider.returns_to("a", failed(400));
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::InvalidArgument, "PROVIDER_REJECTED_REQUEST");
    assert_eq!(router.provider.keys(), ["a"]);
}

#[tokio::test]
async fn the_workspaces_fallbacks_do_not_lead_from_an_own_key_to_a_platform_key() {
    let keys = vec![own("a"), of("anthropic", shared("c"))];
    let router = with_list(keys, vec![CLAUDE]).await;
    let outcome = router.generate(gpt()).await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    assert_eq!(router.provider.keys(), ["a"]);
}

/// A vault of a later release may know more providers.
#[tokio::test]
async fn a_fallback_to_an_unknown_provider_is_skipped() {
    let router = with_list(both(), vec!["unknown/model", CLAUDE]).await;
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "c"]);
}

#[tokio::test]
async fn the_workspaces_fallbacks_are_unused_if_the_first_model_answers() {
    let router = with_list(both(), vec![CLAUDE]).await;
    router.provider.returns_to("a", ok_answer());
    router.generate(gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a"]);
}
