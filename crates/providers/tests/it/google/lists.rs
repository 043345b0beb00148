//! Lists of models of Google's endpoints.

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Operation;
use latchkey_providers::decode::Reply;
use latchkey_providers::models;
use serde_json::{Value, json};

use crate::cases::{KEY, base_url, target};

#[test]
fn a_list_shows_the_operations_of_each_model() {
    let body = json!({
        "models": [
            {
                "name": "models/gemini-2.5-flash",
                "displayName": "Gemini 2.5 Flash",
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent"],
                "thinking": true,
            },
            {
                "name": "models/gemini-3-pro-image-preview",
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {
                "name": "models/gemini-embedding-001",
                "supportedGenerationMethods": ["embedContent", "countTextTokens", "batchEmbedContents"],
            },
            {"name": "models/veo-3.0", "supportedGenerationMethods": ["predictLongRunning"]},
            {"name": "models/aqa", "supportedGenerationMethods": ["generateAnswer", "countTokens"]},
        ],
        "nextPageToken": "next",
    });
    let page = read_list(ProviderId::Google, &body);
    let found: Vec<_> = page
        .models
        .iter()
        .map(|model| (model.id.as_str(), model.operations.clone().unwrap()))
        .collect();
    let both = [Operation::Generate, Operation::CountTokens];
    assert_eq!(
        found,
        [
            ("gemini-2.5-flash", both.to_vec()),
            (
                "gemini-3-pro-image-preview",
                [&both[..], &[Operation::GenerateImages]].concat()
            ),
            ("gemini-embedding-001", vec![Operation::Embed]),
        ]
    );
    let flash = &page.models[0];
    assert_eq!(flash.display_name, "Gemini 2.5 Flash");
    assert_eq!(flash.max_input_tokens, Some(1_048_576));
    assert_eq!(flash.max_output_tokens, Some(65_536));
    assert_eq!(page.next.as_deref(), Some("next"));
}

#[test]
fn vertex_lists_its_publishers_models() {
    let body = json!({"publisherModels": [
        {"name": "publishers/google/models/gemini-2.5-flash", "versionId": "default", "launchStage": "GA"},
        {"name": ""},
    ]});
    let page = read_list(ProviderId::Vertex, &body);
    assert_eq!(page.models.len(), 1);
    assert_eq!(page.models[0].id, "gemini-2.5-flash");
    assert_eq!(page.models[0].operations, None);
    assert_eq!(page.next, None);
}

#[test]
fn a_pages_token_is_escaped() {
    for (provider, version) in [
        (ProviderId::Google, "v1beta"),
        (ProviderId::Vertex, "v1beta1"),
    ] {
        let base = base_url(provider);
        let request = models::request(&target(provider, &base), "a/b&c=d").unwrap();
        let path = request.uri.path_and_query().unwrap().as_str();
        assert!(path.starts_with(&format!("/{version}/")), "{path}");
        assert!(path.ends_with("&pageToken=a%2Fb%26c%3Dd"), "{path}");
    }
}

fn read_list(provider: ProviderId, body: &Value) -> models::Page {
    let (headers, body) = (HeaderMap::new(), body.to_string());
    let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
    models::read(provider, &reply).unwrap()
}
