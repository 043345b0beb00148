//! OpenAI's Responses, at OpenAI and at Azure.

use serde_json::{Value, json};

use super::rules::{OpenCalls, list, only, text};
use super::{TOOL, Words};

pub(super) fn answer(asked: &Value, words: &Words) -> Result<Value, String> {
    only(
        asked,
        &["model", "input", "tools", "include", "store", "reasoning"],
    )?;
    if asked["store"] != false {
        return Err("the conversation would be kept".to_owned());
    }
    let mut open = OpenCalls::default();
    let mut after_reasoning = false;
    for item in list(asked, "input")? {
        let kind = item["type"].as_str().unwrap_or("message");
        if after_reasoning && !matches!(kind, "function_call" | "message") {
            return Err("reasoning without its required following item".to_owned());
        }
        after_reasoning = kind == "reasoning";
        match kind {
            "reasoning" => {
                let state = text(item, "encrypted_content")?;
                if !state.starts_with(&format!("state-{}-", words.provider)) {
                    return Err("the encrypted content could not be verified".to_owned());
                }
            }
            "function_call" => {
                let arguments = text(item, "arguments")?;
                serde_json::from_str::<Value>(arguments).map_err(|error| error.to_string())?;
                text(item, "name")?;
                open.called(text(item, "call_id")?)?;
            }
            "function_call_output" => open.answered(text(item, "call_id")?)?,
            "message" if item["role"].is_string() => {}
            other => return Err(format!("no item is a {other}")),
        }
    }
    open.none_left()?;
    let call = |which: &str| {
        json!({"type": "function_call", "id": words.of(&format!("fc_{which}")),
            "call_id": words.of(&format!("call_{which}")), "name": TOOL, "status": "completed",
            "arguments": words.arguments(which).to_string()})
    };
    Ok(json!({
        "id": words.of("resp"),
        "object": "response",
        "model": asked["model"],
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": words.of("rs"),
                "summary": [{"type": "summary_text", "text": words.of("thought")}],
                "encrypted_content": words.of("state")},
            {"type": "message", "id": words.of("msg"), "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": words.of("said"), "annotations": []}]},
            call("a"),
            call("b"),
        ],
        "usage": {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30},
    }))
}
