//! Requests for lists of models and token counts equal those of the official SDKs, and the answers
//! are decoded.

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{GenerateRequest, Operation, Sampling, reasoning_control};
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::EncodeErrorKind;
use latchkey_providers::models::{self, Listed};
use latchkey_providers::{Dialect, tokens};
use serde_json::{Value, json};

use crate::cases::{
    self, Case, KEY, base_url, conversation, effort, option, option_text, options, stops, target,
    user,
};
use crate::golden::{ANTHROPICS, AZURE_DIFFERENCES, assert_equals, goldens};

#[test]
fn list_requests_equal_the_sdks() {
    for (name, golden) in goldens("models") {
        let (provider, api_version) = match name.as_str() {
            "azure_classic" => (ProviderId::Azure, "2024-10-21"),
            name => (name.parse().unwrap(), ""),
        };
        let base = base_url(provider);
        let mut target = target(provider, &base);
        target.api_version = api_version;
        let ours = models::request(&target, "").unwrap();
        let differences = match name.as_str() {
            "anthropic" => ANTHROPICS.as_slice(),
            "azure" => &AZURE_DIFFERENCES,
            _ => &[],
        };
        assert_equals(&name, &golden["request"], &ours, differences);
    }
}

#[test]
fn lists_are_decoded_as_recorded() {
    for (name, golden) in goldens("models/answers") {
        let provider = golden["provider"].as_str().unwrap().parse().unwrap();
        let body = golden["body"].to_string();
        let headers = HeaderMap::new();
        let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
        let page = models::read(provider, &reply).unwrap();
        let models: Vec<_> = page.models.iter().map(listed_as_json).collect();
        assert_eq!(golden["page"], Value::from(models), "{name}");
        assert_eq!(page.next, None, "{name}");
    }
}

#[test]
fn other_bodies_are_malformed_lists() {
    for provider in [
        ProviderId::Azure,
        ProviderId::Custom,
        ProviderId::DeepSeek,
        ProviderId::OpenRouter,
    ] {
        for body in ["<html></html>", "{}", r#"{"data":7}"#, ""] {
            let headers = HeaderMap::new();
            let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
            assert!(
                models::read(provider, &reply).is_err(),
                "{provider}: {body}"
            );
        }
    }
}

#[test]
fn token_count_requests_equal_the_sdks() {
    for (name, golden) in goldens("count_tokens") {
        let (provider, call) = name.split_once('_').unwrap();
        let case = match (provider, call) {
            ("openai", "chat") => counted_chat(),
            ("openai", call) => cases::openai_responses::case(call),
            ("azure", call) => cases::azure::case(&format!("responses_{call}")),
            ("anthropic", call) => cases::anthropic::case(call),
            _ => panic!("no neutral request for count_tokens/{name}"),
        };
        let differences = match provider {
            "anthropic" => ANTHROPICS.as_slice(),
            "azure" => &AZURE_DIFFERENCES,
            _ => &[],
        };
        let ours = case.count().unwrap().request;
        assert_equals(&name, &golden["request"], &ours, differences);
    }
}

#[test]
fn token_counts_are_decoded_as_recorded() {
    let catalogue = Catalogue::builtin();
    for (name, golden) in goldens("count_tokens/answers") {
        let provider: ProviderId = golden["provider"].as_str().unwrap().parse().unwrap();
        let model = golden["model"].as_str().unwrap();
        let dialect = Dialect::new(provider, catalogue.traits(provider, model));
        let body = golden["body"].to_string();
        let headers = HeaderMap::new();
        let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
        let size = tokens::read(dialect, &reply).unwrap();
        assert_eq!(golden["read"], size, "{name}");
    }
}

#[test]
fn a_count_is_refused_where_the_provider_has_none() {
    for (provider, model) in [
        (ProviderId::Custom, "llama-4"),
        (ProviderId::DeepSeek, "deepseek-v4-pro"),
        (ProviderId::OpenRouter, "anthropic/claude-sonnet-5"),
    ] {
        let case = Case::new(provider, model, conversation([user("Hello")]));
        let Err(error) = case.count() else {
            panic!("{provider} counts");
        };
        assert_eq!(error.kind, EncodeErrorKind::UnsupportedByProvider);
    }
}

/// Without the fields that control the answer, and without options that only a generation has.
fn counted_chat() -> Case {
    let request = GenerateRequest {
        sampling: Some(Sampling {
            seed: Some(7),
            stop_sequences: stops(&["END"]),
            ..Sampling::default()
        }),
        max_output_tokens: Some(256),
        reasoning: effort(reasoning_control::Effort::Unspecified),
        provider_options: options([
            ("truncation", option_text("auto")),
            ("service_tier", option_text("flex")),
            (
                "logprobs",
                option(prost_types::value::Kind::BoolValue(true)),
            ),
        ]),
        ..conversation([user("Hello")])
    };
    Case::new(ProviderId::OpenAi, "gpt-4.1", request).streamed()
}

fn listed_as_json(model: &Listed) -> Value {
    let mut json = json!({ "id": model.id });
    if !model.display_name.is_empty() {
        json["display_name"] = model.display_name.clone().into();
    }
    if let Some(tokens) = model.max_input_tokens {
        json["max_input_tokens"] = tokens.into();
    }
    if let Some(tokens) = model.max_output_tokens {
        json["max_output_tokens"] = tokens.into();
    }
    if let Some(operations) = &model.operations {
        let name = |operation: &Operation| {
            let name = operation.as_str_name();
            name.trim_start_matches("OPERATION_").to_owned()
        };
        json["operations"] = operations.iter().map(name).collect::<Vec<_>>().into();
    }
    json
}
