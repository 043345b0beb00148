//! The messages of a conversation, and which of them reach a provider.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Blob, Image, Loss, Message, Part, Role, Tool, ToolResult, image, loss,
};

use crate::world::{Prompt, TOOL};

/// The fields whose content (text or provider state) is missing from a prompt.
pub fn missing(messages: &[Message], prompt: &Prompt) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    for (m, message) in messages.iter().enumerate() {
        for (p, part) in message.parts.iter().enumerate() {
            let shown = words(part).iter().all(|word| prompt.body.contains(word));
            if !shown {
                missing.insert(format!("messages[{m}].parts[{p}]"));
            }
        }
    }
    missing
}

/// The words of a part that every provider's format contains. Ids are left out, because formats may
/// rewrite them; the providers check that calls and results belong together.
fn words(part: &Part) -> Vec<String> {
    let mut words = match part.content.as_ref().expect("a part holds something") {
        Content::Text(text) => vec![text.clone()],
        Content::Reasoning(reasoning) => vec![reasoning.text.clone()],
        Content::ToolCall(call) => {
            let arguments: BTreeMap<String, String> =
                serde_json::from_str(&call.arguments).expect("they are texts by their names");
            arguments.into_values().collect()
        }
        Content::ToolResult(result) => result.parts.iter().flat_map(words).collect(),
        Content::Image(Image {
            source: Some(image::Source::Blob(blob)),
            ..
        }) => vec![BASE64.encode(&blob.data)],
        other => panic!("no test makes {other:?}"),
    };
    if let Some(state) = &part.provider_state {
        words.extend(marks(&String::from_utf8_lossy(&state.data)));
    }
    words
}

/// The parts of a state that are unique to it: signatures and ids of items.
fn marks(state: &str) -> Vec<String> {
    let of_a_mark = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let marks = state.split(|c| !of_a_mark(c));
    marks
        .filter(|mark| {
            mark.starts_with("state") || mark.starts_with("fc_") || mark.starts_with("msg-")
        })
        .map(str::to_owned)
        .collect()
}

/// The fields that were dropped, whole or in part. Losses whose text still reaches the provider are
/// left out.
pub fn listed(losses: &[Loss]) -> BTreeSet<String> {
    let is_dropped = |loss: &&Loss| {
        matches!(
            loss.kind(),
            loss::Kind::ProviderState | loss::Kind::Reasoning
        )
    };
    let fields = losses.iter().filter(is_dropped);
    fields.map(|loss| loss.field.clone()).collect()
}

/// The results of a message's tool calls. In each third turn, the second call fails.
pub fn results(called: &Message, turn: usize) -> Message {
    let calls = called.parts.iter().filter_map(|part| match &part.content {
        Some(Content::ToolCall(call)) => Some(call),
        _ => None,
    });
    let results = calls.enumerate().map(|(place, call)| Part {
        content: Some(Content::ToolResult(ToolResult {
            tool_call_id: call.id.clone(),
            name: TOOL.to_owned(),
            parts: vec![text(&format!("result-{place}-{turn}"))],
            failed: place == 1 && turn.is_multiple_of(3),
        })),
        provider_state: None,
    });
    message(Role::Tool, results)
}

/// A message.
pub fn message(role: Role, parts: impl IntoIterator<Item = Part>) -> Message {
    Message {
        role: role.into(),
        parts: parts.into_iter().collect(),
    }
}

/// A text.
pub fn text(text: &str) -> Part {
    Part {
        content: Some(Content::Text(text.to_owned())),
        provider_state: None,
    }
}

/// An image with these bytes.
pub fn picture(data: &[u8]) -> Part {
    let blob = Blob {
        mime_type: "image/png".to_owned(),
        data: data.to_vec().into(),
    };
    let image = Image {
        source: Some(image::Source::Blob(blob)),
        ..Image::default()
    };
    Part {
        content: Some(Content::Image(image)),
        provider_state: None,
    }
}

/// The tool that every model of [`World`](crate::World) calls.
pub fn tool() -> Tool {
    Tool {
        name: TOOL.to_owned(),
        description: "The weather in a city".to_owned(),
        json_schema: r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.to_owned(),
        strict: None,
    }
}
