//! Chat Completions, at DeepSeek, OpenRouter and a compatible server.

use serde_json::{Value, json};

use super::rules::{OpenCalls, list, only, text};
use super::{TOOL, Words};

pub(super) fn answer(asked: &Value, words: &Words) -> Result<Value, String> {
    only(
        asked,
        &[
            "model",
            "messages",
            "tools",
            "thinking",
            "reasoning",
            "reasoning_effort",
            "provider",
        ],
    )?;
    let mut open = OpenCalls::default();
    for message in list(asked, "messages")? {
        match message["role"].as_str() {
            Some("tool") => open.answered(text(message, "tool_call_id")?)?,
            Some("assistant") => {
                open.none_left()?;
                assistant(message, &mut open, words.provider)?;
            }
            Some("user" | "system") => {
                open.none_left()?;
                user(message)?;
            }
            other => return Err(format!("no role is {other:?}")),
        }
    }
    open.none_left()?;
    let call = |which: &str| {
        json!({"type": "function", "id": words.of(&format!("call_{which}")), "index": 0,
            "function": {"name": TOOL, "arguments": words.arguments(which).to_string()}})
    };
    let mut message = json!({
        "role": "assistant",
        "content": words.of("said"),
        "tool_calls": [call("a"), call("b")],
    });
    let thought = words.of("thought");
    match words.provider {
        "openrouter" => {
            message["reasoning"] = thought.clone().into();
            message["reasoning_details"] = json!([
                {"type": "reasoning.text", "text": thought, "signature": words.of("state"),
                    "format": "anthropic-claude-v1", "index": 0},
            ]);
        }
        _ => message["reasoning_content"] = thought.into(),
    }
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    Ok(json!({
        "id": words.of("chatcmpl"),
        "object": "chat.completion",
        "model": asked["model"],
        "choices": [choice],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
    }))
}

/// A text, or a list of text parts.
fn user(message: &Value) -> Result<(), String> {
    if message["content"].is_string() {
        return text(message, "content").map(drop);
    }
    for piece in list(message, "content")? {
        match piece["type"].as_str() {
            Some("text") => text(piece, "text")?,
            Some("image_url") => text(&piece["image_url"], "url")?,
            other => return Err(format!("a user does not say {other:?}")),
        };
    }
    Ok(())
}

fn assistant(message: &Value, open: &mut OpenCalls, provider: &str) -> Result<(), String> {
    let calls = message["tool_calls"].as_array();
    for call in calls.into_iter().flatten() {
        let arguments = text(&call["function"], "arguments")?;
        serde_json::from_str::<Value>(arguments).map_err(|error| error.to_string())?;
        open.called(text(call, "id")?)?;
    }
    if provider != "deepseek" {
        return Ok(());
    }
    if !message["content"].is_string() {
        return Err("content must be a text".to_owned());
    }
    // The model's own messages must keep their reasoning.
    let own = message["content"].as_str().unwrap_or_default();
    if own.starts_with("said-deepseek-") {
        text(message, "reasoning_content")?;
    }
    Ok(())
}
