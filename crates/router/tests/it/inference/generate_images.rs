//! `GenerateImages`.

use latchkey_contract::router::v1::generated_image::Source;
use latchkey_contract::router::v1::{
    GenerateImagesRequest, GenerateImagesResponse, Operation, Usage, attempt,
};
use latchkey_contract::vault::v1::Capability;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::harness::{ACME, APP, Answer, Router, StoredKeys, of, own, refused};
use crate::on_both_databases;

on_both_databases!(
    a_prompt_becomes_images,
    the_attempt_records_usage_and_cost,
    a_failed_call_is_retried_and_then_sent_with_another_key,
    no_other_model_is_called,
    a_feature_that_the_provider_lacks_is_refused,
    a_malformed_field_is_named,
);

async fn generate_images(
    router: &Router,
    request: GenerateImagesRequest,
) -> Result<GenerateImagesResponse, Status> {
    let response = router.inference(APP).generate_images(request).await;
    response.map(tonic::Response::into_inner)
}

fn a_cat() -> GenerateImagesRequest {
    GenerateImagesRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-image-1".to_owned(),
        prompt: "a cat".to_owned(),
        count: 2,
        ..GenerateImagesRequest::default()
    }
}

/// The first eight bytes of a PNG file (ISO/IEC 15948, 5.2), in base64.
const PNG: &str = "iVBORw0KGgo=";

fn pictures() -> Value {
    json!({
        "created": 1,
        "output_format": "png",
        "data": [{"b64_json": PNG}, {"b64_json": PNG}],
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            "output_tokens": 4_160,
            "total_tokens": 4_210,
        },
    })
}

async fn a_prompt_becomes_images(router: Router) {
    router.provider.returns(Answer::json(200, &pictures()));
    let request = GenerateImagesRequest {
        size: "1024x1024".to_owned(),
        ..a_cat()
    };
    let response = generate_images(&router, request).await.unwrap();
    assert_eq!(response.images.len(), 2);
    for image in response.images {
        let Some(Source::Blob(blob)) = image.source else {
            panic!("the answer has no image data")
        };
        assert_eq!(blob.mime_type, "image/png");
        assert_eq!(&blob.data[..], b"\x89PNG\r\n\x1a\n");
    }
    let call = router.provider.receives_call(1).await;
    assert_eq!(call.path, "/v1/images/generations");
    assert_eq!(call.body["prompt"], "a cat");
    assert_eq!(
        (&call.body["n"], &call.body["size"]),
        (&json!(2), &json!("1024x1024"))
    );
    let query = &router.vault.queries()[0];
    assert_eq!(query.capability(), Capability::GenerateImages);
}

async fn the_attempt_records_usage_and_cost(router: Router) {
    router.provider.returns(Answer::json(200, &pictures()));
    let response = generate_images(&router, a_cat()).await.unwrap();
    let used = Usage {
        input_tokens: 10,
        image_input_tokens: 40,
        image_output_tokens: 4_160,
        image_count: 2,
        ..Usage::default()
    };
    assert_eq!(response.usage, Some(used));
    let attempt = &response.attempts[0];
    assert_eq!(attempt.operation(), Operation::GenerateImages);
    assert_eq!(attempt.state(), attempt::State::Succeeded);
    assert_eq!(attempt.certainty(), attempt::Certainty::Reported);
    assert_eq!(router.attempts().await, response.attempts);
}

async fn a_failed_call_is_retried_and_then_sent_with_another_key(router: Router) {
    router.vault_grants([own("a"), own("b")]);
    router.provider.returns_once(Answer::json(500, &json!({})));
    router.provider.returns_once(Answer::json(429, &json!({})));
    router.provider.returns_once(Answer::json(200, &pictures()));
    let response = generate_images(&router, a_cat()).await.unwrap();
    assert_eq!(router.provider.keys(), ["a", "a", "b"]);
    assert_eq!(response.attempts.len(), 3);
}

async fn no_other_model_is_called(router: Router) {
    router.vault_grants_from(StoredKeys {
        keys: vec![own("a"), of("openrouter", own("c"))],
        fallbacks: vec!["openrouter/some/model"],
        ..StoredKeys::default()
    });
    router.provider.returns(Answer::json(404, &json!({})));
    let outcome = generate_images(&router, a_cat()).await;
    refused(outcome, Code::FailedPrecondition, "MODEL_UNAVAILABLE");
    assert_eq!(router.provider.keys(), ["a"]);
}

async fn a_feature_that_the_provider_lacks_is_refused(router: Router) {
    let request = GenerateImagesRequest {
        aspect_ratio: "16:9".to_owned(),
        ..a_cat()
    };
    let outcome = generate_images(&router, request).await;
    let refusal = refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert_eq!(refusal.fields, ["aspect_ratio"]);
    let request = GenerateImagesRequest {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-5".to_owned(),
        ..a_cat()
    };
    let outcome = generate_images(&router, request).await;
    refused(outcome, Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER");
    assert!(router.provider.calls().is_empty());
    assert_eq!(router.attempts().await, []);
}

async fn a_malformed_field_is_named(router: Router) {
    let with = |change: fn(&mut GenerateImagesRequest)| {
        let mut request = a_cat();
        change(&mut request);
        request
    };
    for (request, field) in [
        (with(|request| request.parent = "acme".to_owned()), "parent"),
        (
            with(|request| request.provider = "acme".to_owned()),
            "provider",
        ),
        (with(|request| request.prompt.clear()), "prompt"),
        (with(|request| request.count = 11), "count"),
        (
            with(|request| request.mime_type = "text/plain".to_owned()),
            "mime_type",
        ),
    ] {
        let outcome = generate_images(&router, request).await;
        let refusal = refused(outcome, Code::InvalidArgument, "FIELD_INVALID");
        assert_eq!(refusal.fields, [field]);
    }
    assert!(router.provider.calls().is_empty());
}
