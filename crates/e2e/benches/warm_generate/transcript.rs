//! The prompts and answers: constant texts, in the sizes of a usual chat.

use bytes::Bytes;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{GenerateRequest, Message, Part, Role};
use serde_json::{Value, json};

/// A priced model of OpenAI with Chat Completions.
pub(crate) const MODEL: &str = "gpt-4.1";
pub(crate) const WORKSPACE: &str = "workspaces/bench";
/// Not a secret: it is valid for the mock alone.
pub(crate) const PROVIDER_KEY: &str = "sk-proj-of-the-benchmark-0000";

/// Bytes of a whole answer.
const ANSWER: usize = 600;
/// Events of a streamed answer, and bytes of each.
pub(crate) const EVENTS: usize = 100;
const EVENT: usize = 270;

/// A request with a prompt of so many bytes.
pub(crate) fn request(prompt_bytes: usize) -> GenerateRequest {
    let text = words(prompt_bytes);
    let part = Part {
        content: Some(Content::Text(text)),
        provider_state: None,
    };
    GenerateRequest {
        parent: WORKSPACE.to_owned(),
        model: MODEL.to_owned(),
        messages: vec![Message {
            role: Role::User.into(),
            parts: vec![part],
        }],
        ..GenerateRequest::default()
    }
}

/// The provider's request body for a prompt. The prompt has no character that JSON must escape.
pub(crate) fn provider_body(prompt: &str, stream: bool) -> Bytes {
    const HEAD: &str = r#"{"model":"gpt-4.1","messages":[{"role":"user","content":""#;
    const WHOLE: &str = r#""}]}"#;
    const STREAMED: &str = r#""}],"stream":true,"stream_options":{"include_usage":true}}"#;
    let tail = if stream { STREAMED } else { WHOLE };
    let mut body = Vec::with_capacity(HEAD.len() + prompt.len() + tail.len());
    body.extend_from_slice(HEAD.as_bytes());
    body.extend_from_slice(prompt.as_bytes());
    body.extend_from_slice(tail.as_bytes());
    body.into()
}

/// An answer of a provider, and its text.
pub(crate) struct Answer {
    /// The body; of a streamed one, a piece for each event.
    pub(crate) pieces: Vec<Bytes>,
    /// The text in it.
    pub(crate) text: String,
}

impl Answer {
    /// The body as text.
    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.pieces.concat()).into_owned()
    }
}

/// The provider's answer in one piece.
pub(crate) fn whole() -> Answer {
    let body = |text: &str| {
        let message = json!({"role": "assistant", "content": text, "refusal": null});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        let body = json!({
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion",
            "created": 1_741_569_952,
            "model": "gpt-4.1-2025-04-14",
            "choices": [choice],
            "usage": usage(),
            "service_tier": "default",
        });
        body.to_string()
    };
    let text = words(ANSWER - body("").len());
    Answer {
        pieces: vec![body(&text).into()],
        text,
    }
}

/// The provider's answer in events: the text a word at a time, the end, the usage.
pub(crate) fn streamed() -> Answer {
    let last_words = EVENTS - 2;
    let mut text = String::new();
    let mut pieces = Vec::with_capacity(EVENTS);
    for index in 0..last_words {
        let word = format!(" word{index}");
        pieces.push(event(
            &json!([choice(&json!({"content": word}), &Value::Null)]),
            &Value::Null,
        ));
        text.push_str(&word);
    }
    pieces.push(event(
        &json!([choice(&json!({}), &json!("stop"))]),
        &Value::Null,
    ));
    let usage = event(&json!([]), &usage());
    pieces.push([&*usage, b"data: [DONE]\n\n"].concat().into());
    Answer { pieces, text }
}

fn choice(delta: &Value, finish_reason: &Value) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason})
}

/// An event, padded to its size where it is shorter, in the field that OpenAI pads.
fn event(choices: &Value, usage: &Value) -> Bytes {
    let event = |filling: String| {
        let chunk = json!({
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion.chunk",
            "created": 1_741_569_952,
            "model": "gpt-4.1-2025-04-14",
            "choices": choices,
            "usage": usage,
            "obfuscation": filling,
        });
        format!("data: {chunk}\n\n")
    };
    let room = EVENT.saturating_sub(event(String::new()).len());
    event("x".repeat(room)).into()
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 200,
        "completion_tokens": 98,
        "total_tokens": 298,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    })
}

/// A text of so many bytes.
pub(crate) fn words(bytes: usize) -> String {
    const SENTENCE: &str = "The quick brown fox jumps over the lazy dog. ";
    SENTENCE.chars().cycle().take(bytes).collect()
}
