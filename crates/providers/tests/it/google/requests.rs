//! Requests to Google, and to Anthropic's models at Vertex AI, equal those of the official SDKs.
//!
//! Google's SDK mixes spellings that protobuf's JSON mapping treats alike. Both sides are converted
//! to one spelling ([`canonical`]) before they are compared.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::GenerateRequest;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::encode::{Call, WireRequest};
use latchkey_providers::{models, tokens};
use serde_json::{Map, Value, json};

use crate::cases::{self, Case, base_url, conversation, system, target, user, weather_tool};
use crate::golden::goldens;

#[test]
fn google_requests_equal_the_sdks() {
    requests_equal_the_sdks("google", ProviderId::Google, |name| {
        cases::google::case(ProviderId::Google, name)
    });
}

#[test]
fn vertex_requests_equal_the_sdks() {
    requests_equal_the_sdks("vertex", ProviderId::Vertex, |name| {
        cases::google::case(ProviderId::Vertex, name)
    });
}

#[test]
fn anthropic_requests_at_vertex_equal_the_sdks() {
    requests_equal_the_sdks("vertex_anthropic", ProviderId::Vertex, |name| {
        let model = match name {
            "dated_model" => "claude-haiku-4-5@20251001",
            other => {
                let case = cases::anthropic::case(other);
                return Case {
                    provider: ProviderId::Vertex,
                    request: remarked(case.request),
                    ..case
                };
            }
        };
        let plain = cases::anthropic::case("plain");
        Case {
            provider: ProviderId::Vertex,
            model,
            ..plain
        }
    });
}

#[test]
fn ai_studio_counts_instructions_and_tools_within_a_request() {
    let case = Case::new(
        ProviderId::Google,
        "gemini-2.5-flash",
        GenerateRequest {
            tools: vec![weather_tool()],
            ..conversation([system("Be brief."), user("Weather in Oslo?")])
        },
    );
    let sent = count(&case);
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let inner = &body["generateContentRequest"];
    assert_eq!(inner["model"], "models/gemini-2.5-flash");
    assert_eq!(
        inner["systemInstruction"],
        json!({"parts": [{"text": "Be brief."}]})
    );
    assert_eq!(
        inner["tools"][0]["functionDeclarations"][0]["name"],
        "get_weather"
    );
    assert_eq!(body.as_object().unwrap().len(), 1);
}

fn requests_equal_the_sdks(folder: &str, provider: ProviderId, case: impl Fn(&str) -> Case) {
    for (name, golden) in goldens(folder) {
        let theirs = &golden["request"];
        let ours = match (name.as_str(), folder) {
            ("count_tokens", "vertex_anthropic") => count(&counted_claude()),
            ("count_tokens", _) => count(&cases::google::counted(provider)),
            ("list_models", _) => {
                models::request(&target(provider, &base_url(provider)), "").unwrap()
            }
            _ => match case(&name).encode() {
                Ok(exchange) => exchange.request,
                Err(error) => panic!("{folder}/{name}: {error}"),
            },
        };
        assert_eq!(theirs["method"], ours.method.as_str(), "{name}");
        let path = ours.uri.path_and_query().unwrap().as_str();
        assert_eq!(theirs["path"], path, "{name}");
        let body = match &ours.body[..] {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        assert_eq!(
            canonical(&theirs["body"]),
            canonical(&body),
            "{folder}/{name}"
        );
        for header in ["authorization", "x-goog-api-key", "anthropic-version"] {
            let sent = ours.headers.get(header).map(|v| v.to_str().unwrap());
            assert_eq!(theirs["headers"][header].as_str(), sent, "{name}: {header}");
        }
    }
}

fn count(case: &Case) -> WireRequest {
    let (base, catalogue) = (base_url(case.provider), Catalogue::builtin());
    let call = Call {
        target: target(case.provider, &base),
        model: case.model,
        traits: catalogue.traits(case.provider, case.model),
        request: &case.request,
        stream: false,
    };
    match tokens::request(&call) {
        Ok(exchange) => exchange.request,
        Err(error) => panic!("{}: {error}", case.model),
    }
}

fn counted_claude() -> Case {
    let request = conversation([system("Be brief."), user("Hello")]);
    Case::new(ProviderId::Vertex, "claude-haiku-4-5", request)
}

/// Replaces the mark of the state: Anthropic's models at Vertex AI have their own.
fn remarked(mut request: GenerateRequest) -> GenerateRequest {
    let parts = request
        .messages
        .iter_mut()
        .flat_map(|message| &mut message.parts);
    for state in parts.filter_map(|part| part.provider_state.as_mut()) {
        if state.provider == "anthropic" {
            state.provider = "vertex/anthropic".to_owned();
        }
    }
    request
}

/// Converts to one spelling: names in camel case, bytes in the standard alphabet, integers without
/// a fraction, no empty configuration. In Anthropic's body also the version, which intentionally
/// differs: the SDK's version refuses sampling on every model.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(canonical_members(members)),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => {
            json!(format!("{:.0}", number.as_f64().unwrap()))
        }
        other => other.clone(),
    }
}

fn canonical_members(members: &Map<String, Value>) -> Map<String, Value> {
    let mut canonical_members = Map::new();
    for (name, value) in members {
        let value = match (name.as_str(), value) {
            // Data of the caller or of a tool.
            (
                "args"
                | "input_schema"
                | "parametersJsonSchema"
                | "parameters_json_schema"
                | "response"
                | "responseJsonSchema",
                value,
            ) => value.clone(),
            ("continuationToken" | "data" | "thoughtSignature", Value::String(bytes))
                if !bytes.contains("skip_thought_signature") =>
            {
                bytes.replace('-', "+").replace('_', "/").into()
            }
            ("anthropic_version", Value::String(version)) if version == "2026-10-21" => {
                "vertex-2023-10-16".into()
            }
            ("generationConfig", Value::Object(config)) if config.is_empty() => continue,
            (_, value) => canonical(value),
        };
        canonical_members.insert(camel_case(name), value);
    }
    canonical_members
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut joined = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        joined.push_str(&first.to_ascii_uppercase());
        joined.push_str(rest);
    }
    joined
}
