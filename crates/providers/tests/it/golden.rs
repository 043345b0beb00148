//! Requests equal those of the official SDKs, and answers are decoded as the SDKs decode them.
//!
//! tests/golden/record.py records the requests and has the SDKs confirm the answers.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::{Part, PartDelta, image};
use latchkey_providers::Dialect;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::encode::WireRequest;
use latchkey_providers::stream::{Decoder, events};
use serde_json::{Value, json};

use crate::cases::{self, Case, KEY};

/// A header that intentionally differs from the SDK's: name, the SDK's value, ours.
pub(crate) type Difference = (&'static str, Option<&'static str>, Option<&'static str>);

pub(crate) const ANTHROPICS: [Difference; 3] = [
    // The SDK sends keys as bearer tokens; the API's documentation says x-api-key.
    ("authorization", Some("Bearer sk-golden-0123456789"), None),
    ("x-api-key", None, Some("sk-golden-0123456789")),
    // The version that the SDK names refuses sampling on every model.
    ("anthropic-version", Some("2026-10-21"), Some("2023-06-01")),
];

/// OpenAI's client sends Azure's keys as bearer tokens; Azure's documentation says `api-key`.
pub(crate) const AZURE_DIFFERENCES: [Difference; 2] = [
    ("authorization", Some("Bearer sk-golden-0123456789"), None),
    ("api-key", None, Some("sk-golden-0123456789")),
];

#[test]
fn openai_chat_requests_equal_the_sdks() {
    requests_equal_the_sdks("openai_chat", cases::openai_chat::case, &[]);
}

#[test]
fn openai_responses_requests_equal_the_sdks() {
    requests_equal_the_sdks("openai_responses", cases::openai_responses::case, &[]);
}

#[test]
fn anthropic_requests_equal_the_sdks_but_for_stated_headers() {
    requests_equal_the_sdks("anthropic", cases::anthropic::case, &ANTHROPICS);
}

#[test]
fn azure_requests_equal_the_sdks_but_for_stated_headers() {
    requests_equal_the_sdks("azure", cases::azure::case, &AZURE_DIFFERENCES);
}

#[test]
fn azure_requests_to_the_older_addresses_equal_the_sdks() {
    requests_equal_the_sdks("azure_classic", cases::azure::classic, &[]);
}

#[test]
fn deepseek_requests_equal_the_sdks() {
    requests_equal_the_sdks("deepseek", cases::deepseek::case, &[]);
}

#[test]
fn openrouter_requests_equal_the_sdks() {
    requests_equal_the_sdks("openrouter", cases::openrouter::case, &[]);
}

#[test]
fn openai_chat_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("openai_chat", "gpt-4.1");
}

#[test]
fn openai_responses_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("openai_responses", "gpt-5.4");
}

#[test]
fn anthropic_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("anthropic", "claude-opus-4-7");
}

#[test]
fn google_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("google", "gemini-3-flash-preview");
    answers_are_decoded_as_recorded("vertex", "gemini-3-flash-preview");
}

#[test]
fn anthropic_answers_at_vertex_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("vertex_anthropic", "claude-opus-4-7");
}

#[test]
fn azure_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("azure", "a-deployment");
}

#[test]
fn deepseek_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("deepseek", "deepseek-v4-pro");
}

#[test]
fn openrouter_answers_are_decoded_as_recorded() {
    answers_are_decoded_as_recorded("openrouter", "anthropic/claude-sonnet-5");
}

fn requests_equal_the_sdks(dialect: &str, case: fn(&str) -> Case, differences: &[Difference]) {
    for (name, golden) in goldens(dialect) {
        match case(&name).encode() {
            Ok(ours) => assert_equals(&name, &golden["request"], &ours.request, differences),
            Err(error) => panic!("{dialect}/{name}: {error}"),
        }
    }
}

/// Compares a request with a recorded one. Defaults that the SDK writes are absent in ours.
pub(crate) fn assert_equals(
    name: &str,
    theirs: &Value,
    ours: &WireRequest,
    differences: &[Difference],
) {
    assert_eq!(theirs["method"], ours.method.as_str(), "{name}");
    let path = ours.uri.path_and_query().unwrap().as_str();
    assert_eq!(theirs["path"], path, "{name}");
    let mut expected = theirs["body"].clone();
    if expected["stream"] == json!(false) {
        expected.as_object_mut().unwrap().remove("stream");
    }
    let body = if ours.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&ours.body).unwrap()
    };
    assert_eq!(expected, body, "{name}");
    for header in [
        "authorization",
        "api-key",
        "x-api-key",
        "x-goog-api-key",
        "anthropic-version",
        "anthropic-beta",
        "content-type",
    ] {
        let sent = ours.headers.get(header).map(|v| v.to_str().unwrap());
        let recorded = theirs["headers"][header].as_str();
        match differences.iter().find(|(name, ..)| *name == header) {
            Some((_, sdk, latchkey)) => {
                assert_eq!((recorded, sent), (*sdk, *latchkey), "{name}");
            }
            None => assert_eq!(recorded, sent, "{name}: {header}"),
        }
    }
    // Headers that identify the application are not compared.
    for header in ["referer", "http-referer", "x-title", "x-openrouter-title"] {
        assert!(!ours.headers.contains_key(header), "{name}: {header}");
    }
}

fn answers_are_decoded_as_recorded(dialect: &str, model: &str) {
    let catalogue = Catalogue::builtin();
    for (name, golden) in goldens(&format!("{dialect}/answers")) {
        let provider = match golden["provider"].as_str() {
            Some(provider) => provider.parse().unwrap(),
            None if dialect.starts_with("openai") => ProviderId::OpenAi,
            None if dialect.starts_with("vertex") => ProviderId::Vertex,
            None => dialect.parse().unwrap(),
        };
        let dialect = Dialect::new(provider, catalogue.traits(provider, model));
        let answer = if let Some(sse) = golden["sse"].as_array() {
            let sse: String = sse.iter().map(|event| event.as_str().unwrap()).collect();
            read_stream(dialect, sse.as_bytes())
        } else {
            let body = format!("\n\n{}", golden["body"]);
            let headers = HeaderMap::new();
            let reply = Reply::undated(StatusCode::OK, &headers, body.as_bytes(), KEY);
            decode::unary(dialect, &reply).unwrap()
        };
        assert_eq!(
            without_state_json(&golden["answer"]),
            as_json(&answer),
            "{name}"
        );
        compare_json_states(&golden["answer"], &answer);
        for state in answer
            .message
            .parts
            .iter()
            .filter_map(|part| part.provider_state.as_ref())
        {
            assert_eq!(state.provider, dialect.state_mark(), "{name}");
        }
    }
}

/// Decodes a stream in one piece and byte by byte, and compares the deltas with the complete
/// answer.
fn read_stream(dialect: Dialect, sse: &[u8]) -> Answer {
    let whole = read_chunks(dialect, vec![Bytes::copy_from_slice(sse)]);
    let bytes = sse.iter().map(|byte| Bytes::copy_from_slice(&[*byte]));
    assert_eq!(whole, read_chunks(dialect, bytes.collect()));
    whole
}

fn read_chunks(dialect: Dialect, chunks: Vec<Bytes>) -> Answer {
    let body = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let events: Vec<_> = events(body).collect().now_or_never().unwrap();
    let mut decoder = Decoder::new(dialect);
    let mut deltas = Vec::new();
    for event in events {
        deltas.extend(decoder.event(&event.unwrap(), KEY).unwrap());
    }
    let usage = decoder.usage();
    let answer = decoder.finish().unwrap();
    assert_eq!(usage, answer.usage);
    let mut replayed = replayed(&deltas);
    // Parts at the end that have no delta.
    replayed.resize(answer.message.parts.len(), Content::Text(String::new()));
    assert_eq!(replayed, contents(&answer.message.parts));
    answer
}

/// The contents that a reader of the deltas ends up with.
fn replayed(deltas: &[PartDelta]) -> Vec<Content> {
    let mut parts: Vec<Content> = Vec::new();
    for delta in deltas {
        let index = usize::try_from(delta.part_index).unwrap();
        // Withheld parts have no deltas.
        while parts.len() <= index {
            parts.push(Content::Text(String::new()));
        }
        let part = &mut parts[index];
        match (delta.delta.as_ref().unwrap(), &mut *part) {
            (Delta::Text(more), Content::Text(text))
            | (Delta::Refusal(more), Content::Refusal(text)) => text.push_str(more),
            (Delta::ToolCallArguments(more), Content::ToolCall(call)) => {
                call.arguments.push_str(more);
            }
            (Delta::ToolCall(call), _) => *part = Content::ToolCall(call.clone()),
            (Delta::Reasoning(more), Content::Reasoning(reasoning)) => {
                reasoning.text.push_str(more);
            }
            (Delta::Reasoning(first), _) => {
                *part = cases::reasoning(first).content.unwrap();
            }
            (Delta::Refusal(first), _) => *part = Content::Refusal(first.clone()),
            (delta, part) => panic!("{delta:?} does not go on with {part:?}"),
        }
    }
    parts
}

fn contents(parts: &[Part]) -> Vec<Content> {
    let contents = parts.iter().map(|part| match part.content.clone() {
        Some(Content::Reasoning(reasoning)) if reasoning.text.is_empty() => {
            Content::Text(String::new())
        }
        // An image has no delta.
        Some(Content::Image(_)) => Content::Text(String::new()),
        content => content.unwrap(),
    });
    contents.collect()
}

fn as_json(answer: &Answer) -> Value {
    let parts = answer.message.parts.iter().map(part_as_json);
    let usage = answer.usage.map(|usage| {
        let mut json = json!({
            "input": usage.input_tokens,
            "cache_read": usage.cache_read_tokens,
            "cache_write": usage.cache_write_tokens,
            "cache_write_1h": usage.cache_write_1h_tokens,
            "output": usage.output_tokens,
            "reasoning": usage.reasoning_tokens,
        });
        // Few providers report image tokens separately.
        for (name, count) in [
            ("image_input", usage.image_input_tokens),
            ("image_output", usage.image_output_tokens),
        ] {
            if count > 0 {
                json[name] = count.into();
            }
        }
        json
    });
    let finish_reason = answer.finish_reason.as_str_name();
    let mut json = json!({
        "parts": parts.collect::<Vec<_>>(),
        "finish_reason": finish_reason.trim_start_matches("FINISH_REASON_"),
        "native": answer.native_finish_reason,
        "model": answer.model,
        "response_id": answer.response_id,
        "usage": usage,
    });
    if let Some(cost) = answer.cost_nanos {
        json["cost_nanos"] = cost.into();
    }
    json
}

fn part_as_json(part: &Part) -> Value {
    let mut json = match part.content.as_ref().unwrap() {
        Content::Text(text) => json!({ "text": text }),
        Content::Refusal(text) => json!({ "refusal": text }),
        Content::Reasoning(reasoning) if reasoning.redacted => {
            json!({ "reasoning": reasoning.text, "redacted": true })
        }
        Content::Reasoning(reasoning) => json!({ "reasoning": reasoning.text }),
        Content::ToolCall(call) => json!({ "tool_call": {
            "id": call.id, "name": call.name, "arguments": call.arguments,
        }}),
        Content::Image(image) => match &image.source {
            Some(image::Source::Blob(blob)) => json!({ "image": {
                "mime_type": blob.mime_type, "data": STANDARD.encode(&blob.data),
            }}),
            other => panic!("a model does not draw {other:?}"),
        },
        other => panic!("a model does not say {other:?}"),
    };
    if let Some(state) = &part.provider_state {
        // Items and reasoning details are compared as JSON elsewhere.
        let text = str::from_utf8(&state.data).unwrap();
        if !text.starts_with('[') && !text.contains("encrypted_content") {
            json["state"] = text.into();
        }
    }
    json
}

fn without_state_json(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for part in answer["parts"].as_array_mut().unwrap() {
        part.as_object_mut().unwrap().remove("state_is_json");
    }
    answer
}

fn compare_json_states(golden: &Value, answer: &Answer) {
    let parts = golden["parts"].as_array().unwrap();
    for (expected, part) in parts.iter().zip(&answer.message.parts) {
        if let Some(expected) = expected.get("state_is_json") {
            let state = part.provider_state.as_ref().unwrap();
            let state: Value = serde_json::from_slice(&state.data).unwrap();
            assert_eq!(*expected, state);
        }
    }
}

/// The files of a folder and their names.
pub(crate) fn goldens(folder: &str) -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (
            name,
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
        )
    };
    paths.into_iter().map(read).collect()
}
