//! Google's generateContent, at AI Studio and at Vertex AI.

use serde_json::{Value, json};

use super::rules::{list, only};
use super::{TOOL, Words};

/// The value that stands for a missing signature.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

pub(super) fn answer(asked: &Value, words: &Words) -> Result<Value, String> {
    only(
        asked,
        &[
            "contents",
            "systemInstruction",
            "tools",
            "toolConfig",
            "generationConfig",
        ],
    )?;
    let contents = list(asked, "contents")?;
    let mut called: Vec<&str> = Vec::new();
    let mut expected = "user";
    for content in contents {
        only(content, &["role", "parts"])?;
        if content["role"] != expected {
            return Err(format!("please ensure that it is the turn of {expected}"));
        }
        let parts = list(content, "parts")?;
        let of_kind = |kind: &str| -> Vec<&str> {
            parts
                .iter()
                .filter(|part| part[kind].is_object())
                .filter_map(|part| part[kind]["name"].as_str())
                .collect()
        };
        if expected == "user" {
            let answered = of_kind("functionResponse");
            if answered != called {
                return Err(
                    "the number of function response parts is not equal to the number \
                    of function call parts of the function call turn"
                        .to_owned(),
                );
            }
            called.clear();
            expected = "model";
        } else {
            called = of_kind("functionCall");
            check_signature(parts, words.provider)?;
            expected = "user";
        }
    }
    let call =
        |which: &str| json!({"functionCall": {"name": TOOL, "args": words.arguments(which)}});
    let mut first = call("a");
    first["thoughtSignature"] = state(words).into();
    Ok(json!({
        "responseId": words.of("response"),
        "modelVersion": "gemini-3.8-flash",
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": words.of("thought"), "thought": true},
                {"text": words.of("said")},
                first,
                call("b"),
            ]},
            "finishReason": "STOP",
            "index": 0,
        }],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 15,
            "thoughtsTokenCount": 5, "totalTokenCount": 30},
    }))
}

/// The first call of a turn carries a signature: its own, or the value for a missing one.
fn check_signature(parts: &[Value], provider: &str) -> Result<(), String> {
    let Some(first) = parts.iter().find(|part| part["functionCall"].is_object()) else {
        return Ok(());
    };
    let own = format!("state-{provider}-").replace('-', "");
    match first["thoughtSignature"].as_str() {
        Some(NO_SIGNATURE) => Ok(()),
        Some(signature) if signature.starts_with(&own) => Ok(()),
        other => Err(format!("Function call has the thought_signature {other:?}")),
    }
}

/// Whether a text has the alphabet and a length of base64.
fn state(words: &Words) -> String {
    let mut state = words.of("state").replace('-', "");
    while !state.len().is_multiple_of(4) {
        state.push('A');
    }
    state
}
