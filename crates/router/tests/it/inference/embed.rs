//! `Embed`.

use latchkey_contract::router::v1::embed_request::Purpose;
use latchkey_contract::router::v1::{
    EmbedRequest, EmbedResponse, Embedding, Operation, Origin, Usage, attempt,
};
use latchkey_contract::vault::v1::Capability;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::harness::{ACME, APP, Answer, OWNER, Router, StoredKeys, of, own, refused};
use crate::on_both_databases;

on_both_databases!(
    texts_become_vectors_in_order,
    the_attempt_records_usage_and_cost,
    a_failed_call_is_retried_and_then_sent_with_another_key,
    no_other_model_is_called,
    a_feature_that_the_provider_lacks_is_refused,
    a_malformed_field_is_named,
    an_answer_with_too_few_vectors_is_malformed,
);

async fn embed(router: &Router, request: EmbedRequest) -> Result<EmbedResponse, Status> {
    let embedded = router.inference(APP).embed(request).await;
    embedded.map(tonic::Response::into_inner)
}

fn texts() -> EmbedRequest {
    EmbedRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "text-embedding-3-small".to_owned(),
        inputs: vec!["Good".to_owned(), "day".to_owned()],
        ..EmbedRequest::default()
    }
}

/// An answer whose second vector comes first.
fn vectors() -> Value {
    json!({
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [0.5, -0.5]},
            {"object": "embedding", "index": 0, "embedding": [1.0, 0.25]},
        ],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    })
}

async fn texts_become_vectors_in_order(router: Router) {
    router.provider.returns(Answer::json(200, &vectors()));
    let request = EmbedRequest {
        dimensions: Some(2),
        ..texts()
    };
    let embedded = embed(&router, request).await.unwrap();
    let values = |values: [f32; 2]| Embedding {
        values: values.to_vec(),
    };
    let expected = [values([1.0, 0.25]), values([0.5, -0.5])];
    assert_eq!(embedded.embeddings, expected);
    assert_eq!(embedded.model, "text-embedding-3-small");
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.path, "/v1/embeddings");
    assert_eq!(call.body["input"], json!(["Good", "day"]));
    assert_eq!(call.body["dimensions"], 2);
    let query = &router.vault.queries()[0];
    assert_eq!(query.capability(), Capability::Embed);
}

async fn the_attempt_records_usage_and_cost(router: Router) {
    let answer = Answer::json(200, &vectors()).with("x-request-id", "req_1");
    router.provider.returns(answer);
    let request = EmbedRequest {
        origin: Origin::Automation.into(),
        ..texts()
    };
    let embedded = embed(&router, request).await.unwrap();
    let used = Usage {
        input_tokens: 2,
        ..Usage::default()
    };
    assert_eq!(embedded.usage, Some(used));
    let attempt = &embedded.attempts[0];
    assert_eq!(attempt.operation(), Operation::Embed);
    assert_eq!(attempt.origin(), Origin::Automation);
    assert_eq!(attempt.certainty(), attempt::Certainty::Reported);
    assert_eq!(attempt.provider_request_id, "req_1");
    assert_eq!(router.attempts().await, embedded.attempts);
    let name = attempt.name.clone();
    let request = latchkey_contract::router::v1::GetAttemptRequest { name };
    let read = router.usage(OWNER).get_attempt(request).await.unwrap();
    assert_eq!(read.into_inner(), *attempt);
}

async fn a_failed_call_is_retried_and_then_sent_with_another_key(router: Router) {
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(Answer::json(500, &json!({})));
    router.provider.returns_once(Answer::json(429, &json!({})));
    router.provider.returns_once(Answer::json(200, &vectors()));
    let embedded = embed(&router, texts()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "a", "b"]);
    assert_eq!(embedded.attempts.len(), 3);
}

/// Vectors of different models are not comparable.
async fn no_other_model_is_called(router: Router) {
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a"), of("google", own("c"))],
        fallbacks: vec!["google/gemini-embedding-001"],
        ..StoredKeys::default()
    });
    router.provider.returns(Answer::json(404, &json!({})));
    let outcome = embed(&router, texts()).await;
    refused(outcome, Code::FailedPrecondition, "MODEL_UNAVAILABLE");
    assert_eq!(router.provider.keys(), ["a"]);
}

async fn a_feature_that_the_provider_lacks_is_refused(router: Router) {
    let request = EmbedRequest {
        purpose: Purpose::Clustering.into(),
        ..texts()
    };
    let outcome = embed(&router, request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert_eq!(refusal.fields, ["purpose"]);
    let request = EmbedRequest {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        ..texts()
    };
    let outcome = embed(&router, request).await;
    refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

async fn a_malformed_field_is_named(router: Router) {
    let with = |change: fn(&mut EmbedRequest)| {
        let mut request = texts();
        change(&mut request);
        request
    };
    for (request, field) in [
        (with(|request| request.parent = "acme".to_owned()), "parent"),
        (
            with(|request| request.provider = "acme".to_owned()),
            "provider",
        ),
        (with(|request| request.inputs.clear()), "inputs"),
        (with(|request| request.inputs[1].clear()), "inputs[1]"),
        (with(|request| request.dimensions = Some(0)), "dimensions"),
    ] {
        let outcome = embed(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.provider.calls().is_empty());
}

async fn an_answer_with_too_few_vectors_is_malformed(router: Router) {
    let mut one = vectors();
    one["data"].as_array_mut().unwrap().remove(0);
    router.provider.returns(Answer::json(200, &one));
    let outcome = embed(&router, texts()).await;
    refused(outcome, Code::Unavailable, "PROVIDER_MALFORMED");
    assert_eq!(router.provider.calls().len(), 1);
}
