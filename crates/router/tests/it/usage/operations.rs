//! Operations in recorded attempts.

use latchkey_contract::router::v1::summarize_usage_request::Dimension;
use latchkey_contract::router::v1::{
    CountTokensRequest, EmbedRequest, GenerateImagesRequest, Operation,
};
use serde_json::json;

use super::summarize_usage::{by, rows};
use crate::harness::{ACME, APP, Answer, OWNER, Router, chat, gpt};
use crate::on_both_databases;

on_both_databases!(operations_are_summed_separately);

async fn operations_are_summed_separately(router: Router) {
    for (path, answer) in [
        ("/v1/chat/completions", chat::whole()),
        ("/v1/responses/input_tokens", json!({"input_tokens": 14})),
        (
            "/v1/embeddings",
            json!({"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 2}}),
        ),
        (
            "/v1/images/generations",
            json!({
                "data": [{"b64_json": "iVBORw0KGgo="}],
                "usage": {"input_tokens": 10, "output_tokens": 4_160},
            }),
        ),
    ] {
        router.provider.returns_at(path, Answer::json(200, &answer));
    }
    let mut client = router.inference(APP);
    client.generate(gpt()).await.unwrap();
    let request = CountTokensRequest {
        request: Some(gpt()),
    };
    client.count_tokens(request).await.unwrap();
    let request = EmbedRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "text-embedding-3-small".to_owned(),
        inputs: vec!["Hello".to_owned()],
        ..EmbedRequest::default()
    };
    client.embed(request).await.unwrap();
    let request = GenerateImagesRequest {
        parent: ACME.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-image-1".to_owned(),
        prompt: "a cat".to_owned(),
        ..GenerateImagesRequest::default()
    };
    client.generate_images(request).await.unwrap();
    let sums = rows(&router, OWNER, by(&[Dimension::Operation])).await;
    let found: Vec<_> = sums
        .iter()
        .map(|row| {
            let usage = row.usage.unwrap();
            let pictures = (usage.image_output_tokens, usage.image_count);
            (
                row.operation(),
                row.attempt_count,
                usage.input_tokens,
                pictures,
            )
        })
        .collect();
    let expected = [
        (Operation::CountTokens, 1, 0, (0, 0)),
        (Operation::Embed, 1, 2, (0, 0)),
        (Operation::Generate, 1, 600, (0, 0)),
        (Operation::GenerateImages, 1, 10, (4_160, 1)),
    ];
    assert_eq!(found, expected);
}
