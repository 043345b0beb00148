//! The fallbacks of a request: models to call if the first cannot answer.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Fallback, GenerateRequest, Loss, Message, Part, Role, Sampling, loss,
};
use serde_json::json;
use tonic::Code;

use super::{
    are_recorded, claude_answer, failed, falling_back, for_model, ok_answer, reasons, router,
};
use crate::harness::{Answer, Router, claude, gpt, of, own, refused};

const CLAUDE: &str = "anthropic/claude-sonnet-5";
const LATER: &str = "15";

/// A router with a failing OpenAI key and a working Anthropic key.
async fn failing(answer: Answer) -> Router {
    let router = router().await;
    router.vault_grants([own("a"), of("anthropic", own("c"))]);
    router.provider.returns_to("a", answer);
    router.provider.returns_to("c", claude_answer());
    router
}

fn throttled() -> Answer {
    failed(429).with("retry-after", LATER)
}

#[tokio::test]
async fn a_fallback_follows_each_kind_of_failure() {
    for (answer, tried) in [
        (throttled(), &["PROVIDER_THROTTLED", ""][..]),
        (failed(401), &["PROVIDER_REJECTED_KEY", ""]),
        (failed(403), &["PROVIDER_REJECTED_KEY", ""]),
        (failed(402), &["PROVIDER_NO_CREDIT", ""]),
        (failed(404), &["MODEL_UNAVAILABLE", ""]),
        (
            failed(500),
            &["PROVIDER_UNAVAILABLE", "PROVIDER_UNAVAILABLE", ""],
        ),
        (failed(504), &["PROVIDER_TIMEOUT", "PROVIDER_TIMEOUT", ""]),
        (
            Answer::hung_up(),
            &["PROVIDER_UNAVAILABLE", "PROVIDER_UNAVAILABLE", ""],
        ),
        (
            failed(500).with("x-should-retry", "false"),
            &["PROVIDER_UNAVAILABLE", ""],
        ),
        (Answer::json(200, &json!({})), &["PROVIDER_MALFORMED", ""]),
    ] {
        let router = failing(answer).await;
        let response = router
            .generate(falling_back([CLAUDE], gpt()))
            .await
            .unwrap();
        assert_eq!(reasons(&response.attempts), tried);
        assert_eq!(response.model, "claude-sonnet-5");
        let targets: Vec<_> = response
            .attempts
            .iter()
            .map(|attempt| (&*attempt.provider, &*attempt.model))
            .collect();
        let (last, before) = targets.split_last().unwrap();
        assert_eq!(*last, ("anthropic", "claude-sonnet-5"));
        assert!(before.iter().all(|target| *target == ("openai", "gpt-4.1")));
        are_recorded(&router, &response.attempts).await;
    }
}

#[tokio::test]
async fn a_fallback_is_used_if_the_first_model_has_no_key() {
    let router = router().await;
    router.vault_grants([of("anthropic", own("c"))]);
    router.provider.returns(claude_answer());
    let response = router.generate(falling_back([CLAUDE], gpt())).await;
    assert_eq!(reasons(&response.unwrap().attempts), [""]);
}

#[tokio::test]
async fn fallbacks_are_called_in_the_order_of_the_request() {
    let router = router().await;
    let keys = [own("a"), of("anthropic", own("c"))];
    router.vault_grants(keys);
    router.provider.returns(throttled());
    let to = ["openai/gpt-4o", CLAUDE, "openai/gpt-4o-mini"];
    let outcome = router.generate(falling_back(to, gpt())).await;
    let refusal = refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
    let calls = router.provider.calls();
    let models: Vec<_> = calls.iter().map(|call| &call.body["model"]).collect();
    let expected = ["gpt-4.1", "gpt-4o", "claude-sonnet-5", "gpt-4o-mini"];
    assert_eq!(models, expected);
    assert_eq!(refusal.metadata["attempts"].split(' ').count(), 4);
}

#[tokio::test]
async fn the_refusal_names_the_failure_of_the_last_call() {
    let router = failing(throttled()).await;
    router.provider.returns_to("c", failed(500));
    let outcome = router.generate(falling_back([CLAUDE], gpt())).await;
    refused(outcome, Code::Unavailable, "PROVIDER_UNAVAILABLE");
    // The missing key of the fallback is less informative than the failed call.
    let outcome = router
        .generate(falling_back(
            ["deepseek/deepseek-chat"],
            for_model("gpt-4o"),
        ))
        .await;
    refused(outcome, Code::ResourceExhausted, "PROVIDER_THROTTLED");
}

#[tokio::test]
async fn an_unusable_fallback_is_skipped() {
    let router = failing(throttled()).await;
    let sampling = Sampling {
        top_k: Some(40),
        ..Sampling::default()
    };
    let request = GenerateRequest {
        model: "claude-sonnet-4-5".to_owned(),
        sampling: Some(sampling),
        ..claude()
    };
    router.provider.returns_once(failed(500));
    router.provider.returns_once(failed(500));
    // The first lacks a feature, the second has no key, and the key of the third is unknown.
    let mut request = falling_back(
        [
            "openai/gpt-4.1",
            "deepseek/deepseek-chat",
            "anthropic/claude-opus-4-6",
            "anthropic/claude-haiku-4-5",
        ],
        request,
    );
    request.fallbacks[2].key = "missing".to_owned();
    let response = router.generate(request).await.unwrap();
    assert_eq!(router.provider.keys(), ["c", "c", "c"]);
    assert_eq!(response.attempts[2].model, "claude-haiku-4-5");
}

#[tokio::test]
async fn a_feature_that_the_first_model_lacks_is_refused_without_a_fallback() {
    let router = failing(ok_answer()).await;
    let sampling = Sampling {
        top_k: Some(40),
        ..Sampling::default()
    };
    let request = GenerateRequest {
        sampling: Some(sampling),
        ..falling_back([CLAUDE], gpt())
    };
    let outcome = router.generate(request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert_eq!(refusal.fields, ["sampling.top_k"]);
    assert!(router.provider.calls().is_empty());
}

#[tokio::test]
async fn provider_options_do_not_apply_to_fallbacks_of_other_providers() {
    let options = || prost_types::Struct {
        fields: [(
            "user".to_owned(),
            prost_types::Value {
                kind: Some(prost_types::value::Kind::StringValue("u-1".to_owned())),
            },
        )]
        .into(),
    };
    let request = |model: &str| GenerateRequest {
        provider_options: Some(options()),
        ..falling_back(["openai/gpt-4o", CLAUDE], for_model(model))
    };
    let router = failing(throttled()).await;
    router.generate(request("gpt-4.1")).await.unwrap();
    let calls = router.provider.calls();
    let users: Vec<_> = calls.iter().map(|call| call.body.get("user")).collect();
    assert_eq!(users, [Some(&json!("u-1")), Some(&json!("u-1")), None]);

    // Nor do they apply to the fallback if the first model has no key.
    router.vault_grants([of("anthropic", own("c"))]);
    router.generate(request("gpt-4.1-mini")).await.unwrap();
    assert_eq!(
        router.provider.receives_call(4).await.body.get("user"),
        None
    );
}

#[tokio::test]
async fn a_fallback_may_name_its_key() {
    let router = router().await;
    let mut spare = of("anthropic", own("spare"));
    spare.default_model = "claude-haiku-4-5".to_owned();
    router.vault_grants([own("a"), of("anthropic", own("c")), spare]);
    router.provider.returns_to("a", throttled());
    router.provider.returns_to("spare", claude_answer());
    let fallback = Fallback {
        key: "spare".to_owned(),
        ..Fallback::default()
    };
    let request = GenerateRequest {
        fallbacks: vec![fallback],
        ..gpt()
    };
    let response = router.generate(request).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "spare"]);
    assert_eq!(response.attempts[1].model, "claude-haiku-4-5");
}

#[tokio::test]
async fn a_named_key_is_used_for_fallbacks_too() {
    let router = router().await;
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(throttled());
    router.provider.returns(ok_answer());
    let named = GenerateRequest {
        key: "b".to_owned(),
        ..falling_back(["openai/gpt-4o"], gpt())
    };
    router.generate(named.clone()).await.unwrap();
    assert_eq!(router.provider.keys(), ["b", "b"]);
    // The key cannot be used for a model of another provider.
    let mut named = falling_back(["openai/gpt-4o", CLAUDE], named);
    let outcome = router.generate(named.clone()).await;
    let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(refusal.fields, ["fallbacks[1].key"]);
    named.fallbacks[1].key = "a".to_owned();
    router.generate(named).await.unwrap();
}

#[tokio::test]
async fn a_malformed_field_is_named() {
    let router = router().await;
    let to = |provider: &str, model: &str| Fallback {
        provider: provider.to_owned(),
        model: model.to_owned(),
        key: String::new(),
    };
    let too_many = vec![to("openai", "gpt-4o"); 9];
    for (fallbacks, field) in [
        (too_many, "fallbacks"),
        (vec![to("acme", "gpt-4o")], "fallbacks[0].provider"),
        (
            vec![to("openai", "gpt-4o"), to("", "unknown-model")],
            "fallbacks[1].provider",
        ),
        (vec![to("openai", "gpt\0")], "fallbacks[0].model"),
        (vec![to("openai", &"x".repeat(257))], "fallbacks[0].model"),
        (vec![to("", "")], "fallbacks[0].model"),
    ] {
        let request = GenerateRequest { fallbacks, ..gpt() };
        let outcome = router.generate(request.clone()).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
        let outcome = router.stream(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [format!("request.{field}")]);
    }
    let both = GenerateRequest {
        no_fallback: true,
        ..falling_back([CLAUDE], gpt())
    };
    let refusal = refused(
        router.generate(both).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    assert_eq!(refusal.fields, ["no_fallback"]);
    assert!(router.provider.calls().is_empty());
    assert!(router.vault.queries().is_empty());
}

/// A refusal is sent to Anthropic as plain text, and to OpenAI as a refusal.
#[tokio::test]
async fn losses_are_reported_for_the_model_that_answered() {
    let part = |content| Part {
        content: Some(content),
        provider_state: None,
    };
    let message = |role: Role, content| Message {
        role: role.into(),
        parts: vec![part(content)],
    };
    let hello = || Content::Text("Hello".to_owned());
    let with_refusal = |request| GenerateRequest {
        messages: vec![
            message(Role::User, hello()),
            message(Role::Assistant, Content::Refusal("No".to_owned())),
            message(Role::User, hello()),
        ],
        ..request
    };
    let lost = Loss {
        field: "messages[1].parts[0]".to_owned(),
        kind: loss::Kind::RefusalMark.into(),
        provider: String::new(),
    };

    let router = failing(throttled()).await;
    let request = with_refusal(falling_back([CLAUDE], gpt()));
    let response = router.generate(request).await.unwrap();
    assert_eq!(response.portability, [lost]);

    router.provider.returns_to("a", ok_answer());
    router.provider.returns_to("c", throttled());
    let request = with_refusal(falling_back(["openai/gpt-4o"], claude()));
    let response = router.generate(request).await.unwrap();
    assert_eq!(reasons(&response.attempts), ["PROVIDER_THROTTLED", ""]);
    assert_eq!(response.portability, []);
}
