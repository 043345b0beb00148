//! Anthropic's Messages.

use serde_json::{Value, json};

use super::rules::{OpenCalls, list, only, text};
use super::{TOOL, Words};

pub(super) fn answer(asked: &Value, words: &Words) -> Result<Value, String> {
    only(
        asked,
        &[
            "model",
            "max_tokens",
            "messages",
            "system",
            "tools",
            "thinking",
            "output_config",
        ],
    )?;
    asked["max_tokens"]
        .as_i64()
        .ok_or("max_tokens: Field required")?;
    let messages = list(asked, "messages")?;
    let mut expected = "user";
    let mut open = OpenCalls::default();
    for message in messages {
        only(message, &["role", "content"])?;
        if message["role"] != expected {
            return Err(format!("messages: it is the turn of {expected}"));
        }
        if expected == "user" {
            user(message, &mut open)?;
            expected = "assistant";
        } else {
            assistant(message, &mut open)?;
            expected = "user";
        }
    }
    if expected == "user" {
        return Err("messages: the last must be the user's".to_owned());
    }
    let call = |which: &str| {
        json!({"type": "tool_use", "id": words.of(&format!("toolu_{which}")), "name": TOOL,
            "input": words.arguments(which)})
    };
    Ok(json!({
        "id": words.of("msg"),
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [
            {"type": "thinking", "thinking": words.of("thought"), "signature": words.of("state")},
            {"type": "text", "text": words.of("said")},
            call("a"),
            call("b"),
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 10, "output_tokens": 20},
    }))
}

/// Tool results must come first, and all in one message.
fn user(message: &Value, open: &mut OpenCalls) -> Result<(), String> {
    if message["content"].is_string() {
        text(message, "content")?;
        return open.none_left();
    }
    let mut results_over = false;
    for block in list(message, "content")? {
        match block["type"].as_str() {
            Some("tool_result") if results_over => {
                return Err("tool_result blocks must come first".to_owned());
            }
            Some("tool_result") => open.answered(text(block, "tool_use_id")?)?,
            Some("text") => {
                text(block, "text")?;
                results_over = true;
            }
            Some("image") => {
                let source = &block["source"];
                text(source, "media_type")?;
                text(source, "data")?;
                results_over = true;
            }
            other => return Err(format!("a user does not say {other:?}")),
        }
    }
    open.none_left()
}

fn assistant(message: &Value, open: &mut OpenCalls) -> Result<(), String> {
    if message["content"].is_string() {
        return text(message, "content").map(drop);
    }
    for block in list(message, "content")? {
        match block["type"].as_str() {
            Some("thinking") => {
                let signature = text(block, "signature")?;
                if !signature.starts_with("state-anthropic-") {
                    return Err("Invalid `signature` in `thinking` block".to_owned());
                }
            }
            Some("text") => {
                text(block, "text")?;
            }
            Some("tool_use") => {
                let id = text(block, "id")?;
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                if !id.bytes().all(allowed) || !block["input"].is_object() {
                    return Err(format!("tool_use {id} is malformed"));
                }
                open.called(id)?;
            }
            other => return Err(format!("an assistant does not say {other:?}")),
        }
    }
    Ok(())
}
