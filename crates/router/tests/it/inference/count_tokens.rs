//! `CountTokens`.

use latchkey_contract::router::v1::{
    CountTokensRequest, CountTokensResponse, GenerateRequest, Operation, Usage, attempt,
};
use serde_json::json;
use tonic::{Code, Status};

use crate::harness::{APP, Answer, Router, StoredKeys, claude, gpt, of, on, own, refused};
use crate::on_both_databases;

on_both_databases!(
    anthropic_counts_tokens,
    openai_counts_tokens_by_the_responses_api,
    a_count_costs_nothing_and_is_recorded,
    a_failed_call_is_retried_and_then_sent_with_another_key,
    no_other_model_is_called,
    a_provider_that_cannot_count_tokens_is_refused,
    an_answer_without_a_count_is_malformed,
    a_malformed_field_is_named_from_the_outer_request,
);

async fn count(router: &Router, request: GenerateRequest) -> Result<CountTokensResponse, Status> {
    let request = CountTokensRequest {
        request: Some(request),
    };
    let counted = router.inference(APP).count_tokens(request).await;
    counted.map(tonic::Response::into_inner)
}

fn tokens() -> Answer {
    Answer::json(200, &json!({"input_tokens": 14}))
}

async fn anthropic_counts_tokens(router: Router) {
    router.provider.returns(tokens());
    let counted = count(&router, claude()).await.unwrap();
    assert_eq!(counted.input_tokens, 14);
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.path, "/v1/messages/count_tokens");
    assert_eq!(call.body["model"], "claude-sonnet-5");
    assert_eq!(call.body.get("max_tokens"), None);
}

/// Chat Completions cannot count tokens, so the Responses API counts for its models too.
async fn openai_counts_tokens_by_the_responses_api(router: Router) {
    router.provider.returns(tokens());
    for (number, model) in ["gpt-5.4", "gpt-4.1"].into_iter().enumerate() {
        let request = GenerateRequest {
            model: model.to_owned(),
            ..gpt()
        };
        let counted = count(&router, request).await.unwrap();
        assert_eq!(counted.input_tokens, 14);
        let call = router.provider.receives_call(number + 1).await;
        assert_eq!(call.path, "/v1/responses/input_tokens");
        assert_eq!(call.body["model"], model);
    }
}

async fn a_count_costs_nothing_and_is_recorded(router: Router) {
    router
        .provider
        .returns(tokens().with("request-id", "req_1"));
    let counted = count(&router, claude()).await.unwrap();
    let [attempt] = &counted.attempts[..] else {
        panic!("expected one attempt")
    };
    assert_eq!(attempt.operation(), Operation::CountTokens);
    assert_eq!(attempt.state(), attempt::State::Succeeded);
    assert_eq!(attempt.cost_nanos, Some(0));
    assert_eq!(attempt.usage, None);
    assert_eq!(attempt.provider_request_id, "req_1");
    let recorded = &router.attempts().await[0];
    assert_eq!(recorded.name, attempt.name);
    assert_eq!(recorded.operation(), Operation::CountTokens);
    assert_eq!(recorded.cost_nanos, Some(0));
    assert_eq!(recorded.usage, Some(Usage::default()));
    assert_eq!(recorded.certainty(), attempt::Certainty::Reported);
}

async fn a_failed_call_is_retried_and_then_sent_with_another_key(router: Router) {
    router.vault_grants([of("anthropic", own("a")), of("anthropic", own("b"))]);
    let down = Answer::json(529, &json!({"error": {"message": "overloaded"}}));
    router.provider.returns_once(down);
    router.provider.returns_once(Answer::json(429, &json!({})));
    router.provider.returns_once(tokens());
    let counted = count(&router, claude()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "a", "b"]);
    assert_eq!(counted.attempts.len(), 3);
    assert_eq!(router.attempts().await.len(), 3);
}

/// Models count tokens differently.
async fn no_other_model_is_called(router: Router) {
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a"), of("anthropic", own("c"))],
        fallbacks: vec!["anthropic/claude-sonnet-5"],
        ..StoredKeys::default()
    });
    router.provider.returns(Answer::json(404, &json!({})));
    let fallback = latchkey_contract::router::v1::Fallback {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        key: String::new(),
    };
    let with_own_list = GenerateRequest {
        fallbacks: vec![fallback],
        ..gpt()
    };
    for request in [gpt(), with_own_list] {
        let outcome = count(&router, request).await;
        refused(outcome, Code::FailedPrecondition, "MODEL_UNAVAILABLE");
    }
    assert_eq!(router.provider.keys(), ["a", "a"]);
}

async fn a_provider_that_cannot_count_tokens_is_refused(router: Router) {
    for provider in ["custom", "deepseek", "openrouter"] {
        let request = GenerateRequest {
            provider: provider.to_owned(),
            model: "some/model".to_owned(),
            ..gpt()
        };
        let outcome = count(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
        assert_eq!(refusal.fields, ["request.model"], "{provider}");
    }
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

async fn an_answer_without_a_count_is_malformed(router: Router) {
    router.provider.returns(Answer::json(200, &json!({})));
    let outcome = count(&router, claude()).await;
    refused(outcome, Code::Unavailable, "PROVIDER_MALFORMED");
    assert_eq!(router.attempts().await[0].cost_nanos, None);
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
        let request = CountTokensRequest { request };
        let outcome = router.inference(APP).count_tokens(request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.provider.calls().is_empty());
}
