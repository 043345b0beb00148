//! Requests without a key, whose key the vault chooses for the caller.

use latchkey_contract::router::v1::GenerateRequest;
use tonic::Code;

use super::{failed, ok_answer, router};
use crate::harness::{APP, Answer, OTHER_APP, StoredKeys, gpt, of, own, refused};

fn throttled() -> Answer {
    failed(429).with("retry-after", "15")
}

#[tokio::test]
async fn the_vault_receives_the_caller_of_each_query() {
    let router = router().await;
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a"), own("b")],
        reserved: vec![("a", "token:other-app")],
        ..StoredKeys::default()
    });
    router.provider.returns(ok_answer());
    router.generate_as(OTHER_APP, gpt()).await.unwrap();
    router.generate_as(APP, gpt()).await.unwrap();
    router.generate_as(OTHER_APP, gpt()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "b", "a"]);
    let queries = router.vault.queries();
    let callers: Vec<_> = queries.iter().map(|query| &*query.caller).collect();
    assert_eq!(callers, ["token:other-app", "token:app"]);
}

#[tokio::test]
async fn a_request_without_key_provider_and_model_takes_any_key_with_a_default() {
    let router = router().await;
    let mut claude = of("anthropic", own("c"));
    claude.default_model = "claude-sonnet-5".to_owned();
    let mut openai = own("b");
    openai.default_model = "gpt-4.1".to_owned();
    router.vault_grants([own("a"), claude, openai]);
    router.provider.returns_to("c", throttled());
    router.provider.returns_to("b", ok_answer());
    let request = GenerateRequest {
        provider: String::new(),
        model: String::new(),
        // These options apply to the first model only.
        provider_options: Some(prost_types::Struct {
            fields: [("service_tier".to_owned(), prost_types::Value::from("x"))].into(),
        }),
        ..gpt()
    };
    let response = router.generate(request).await.unwrap();
    let targets: Vec<_> = response
        .attempts
        .iter()
        .map(|attempt| (&*attempt.provider, &*attempt.model))
        .collect();
    let expected = [("anthropic", "claude-sonnet-5"), ("openai", "gpt-4.1")];
    assert_eq!(targets, expected);
    let calls = router.provider.calls();
    assert_eq!(calls[0].body["service_tier"], "x");
    assert_eq!(calls[1].body.get("service_tier"), None);
    let query = &router.vault.queries()[0];
    assert_eq!((&*query.provider, &*query.model), ("", ""));
}

#[tokio::test]
async fn a_request_without_a_model_is_refused_if_no_key_has_a_default() {
    let router = router().await;
    router.vault_grants([own("a")]);
    let request = GenerateRequest {
        provider: String::new(),
        model: String::new(),
        ..gpt()
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "OWN_KEY_REQUIRED");
    assert_eq!(
        refusal.metadata["workspaces/acme/keys/a"],
        "NO_DEFAULT_MODEL"
    );
}
