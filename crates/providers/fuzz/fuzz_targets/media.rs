//! Embeddings and images of every provider that has them. What is decoded must match the request.
#![no_main]

use latchkey_contract::ProviderId;
use http::{HeaderMap, StatusCode};
use latchkey_contract::router::v1::{EmbedRequest, GenerateImagesRequest};
use latchkey_providers::decode::Reply;
use latchkey_providers::{Credential, Target, embeddings, images, vertex_base_url};
use latchkey_providers_fuzz::KEY;
use libfuzzer_sys::fuzz_target;

const MODELS: [(ProviderId, &str); 5] = [
    (ProviderId::OpenAi, "m"),
    (ProviderId::OpenRouter, "m"),
    (ProviderId::Google, "gemini-embedding-001"),
    (ProviderId::Vertex, "gemini-embedding-001"),
    (ProviderId::Vertex, "text-embedding-005"),
];

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (inputs, dimensions, body) = input;
    let headers = HeaderMap::new();
    let reply = Reply::undated(StatusCode::OK, &headers, body, KEY);
    let base_url = vertex_base_url("global").expect("a location");
    let embed = EmbedRequest {
        inputs: vec!["x".to_owned(); usize::from(inputs % 4) + 1],
        dimensions: (dimensions > 0).then_some(dimensions.into()),
        ..EmbedRequest::default()
    };
    let draw = GenerateImagesRequest {
        prompt: "x".to_owned(),
        ..GenerateImagesRequest::default()
    };
    for (provider, model) in MODELS {
        let mut target = Target::new(provider, &base_url, Credential::ApiKey(KEY));
        (target.location, target.cloud_project) = ("global", "example-project");
        let call = embeddings::Call {
            target,
            model,
            request: &embed,
        };
        let reader = embeddings::request(&call).expect("a request").reader;
        if let Ok(read) = reader.read(&reply) {
            assert_eq!(read.vectors.len(), embed.inputs.len());
            let length = read.vectors[0].len();
            assert!(length > 0 && read.vectors.iter().all(|vector| vector.len() == length));
            assert!(
                embed
                    .dimensions
                    .is_none_or(|requested| usize::try_from(requested) == Ok(length))
            );
        }
        let call = images::Call {
            target,
            model,
            request: &draw,
        };
        let reader = images::request(&call).expect("a request").reader;
        match reader.read(&reply) {
            Ok(read) => assert!(!read.images.is_empty()),
            Err(error) => assert!(!format!("{error:?}").contains(KEY)),
        }
    }
});
