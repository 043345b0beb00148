//! The body of Anthropic answers.

use latchkey_contract::router::v1::{FinishReason, PartDelta};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::Dialect;
use crate::decode::{Answer, Draft, Undecodable};
use crate::encode::NO_ARGUMENTS;
use crate::json::Text;

/// Decodes a complete answer.
pub(crate) fn decode(dialect: Dialect, body: &[u8]) -> Result<Answer, Undecodable> {
    let reply: Reply<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let content = reply.content.ok_or(Undecodable)?;
    let mut draft = Draft::new(dialect);
    for block in content {
        add(&mut draft, &block);
    }
    let native = reply.stop_reason.unwrap_or_default();
    add_refusal(&mut draft, &native, reply.stop_details);
    let usage = read_usage(reply.usage);
    Ok(Answer {
        service_tier: usage
            .as_ref()
            .map(WireUsage::service_tier)
            .unwrap_or_default(),
        cost_nanos: None,
        unused_reasoning: Vec::new(),
        finish_reason: finish_reason(&native),
        native_finish_reason: native.into_owned(),
        message: draft.into_message(),
        model: reply.model.unwrap_or_default().into_owned(),
        response_id: reply.id.unwrap_or_default().into_owned(),
        usage: usage.and_then(WireUsage::classes),
    })
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<Vec<Block<'a>>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// A content block of any type, or its start in a stream.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// Details of a refusal.
#[derive(Deserialize)]
struct StopDetails<'a> {
    #[serde(borrow)]
    category: Option<Text<'a>>,
    #[serde(borrow)]
    explanation: Option<Text<'a>>,
}

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for.
pub(super) fn read_usage(raw: Option<&RawValue>) -> Option<WireUsage> {
    serde_json::from_str(raw?.get()).ok()
}

fn add(draft: &mut Draft, block: &Block<'_>) {
    match &*block.kind {
        "text" => {
            if let Some(text) = block.text.as_deref().filter(|text| !text.is_empty()) {
                let part = draft.open_text();
                draft.push(part, text);
            }
        }
        "thinking" => {
            let part = draft.open_reasoning();
            if let Some(thinking) = &block.thinking {
                draft.push(part, thinking);
            }
            if let Some(signature) = block.signature.as_deref().filter(|text| !text.is_empty()) {
                draft.set_state(part, signature.to_owned());
            }
        }
        "redacted_thinking" => {
            let part = draft.open_redacted();
            if let Some(data) = block.data.as_deref() {
                draft.set_state(part, data.to_owned());
            }
        }
        "tool_use" => {
            let id = block.id.clone().unwrap_or_default().into_owned();
            let name = block.name.clone().unwrap_or_default().into_owned();
            let (part, _) = draft.open_tool_call(id, name);
            draft.push(part, block.input.map_or(NO_ARGUMENTS, RawValue::get));
        }
        // Server tools, and types that are unknown here.
        _ => {}
    }
}

/// Adds the reason of a refusal as a part of its own.
pub(super) fn add_refusal(
    draft: &mut Draft,
    stop_reason: &str,
    details: Option<&RawValue>,
) -> Option<PartDelta> {
    if stop_reason != "refusal" {
        return None;
    }
    let details: StopDetails<'_> = serde_json::from_str(details?.get()).ok()?;
    let given = |text: &Text<'_>| !text.is_empty();
    let explanation = details
        .explanation
        .filter(given)
        .or_else(|| details.category.filter(given))?;
    let part = draft.open_refusal();
    Some(draft.push(part, &explanation))
}

/// Maps the stop reason.
pub(super) fn finish_reason(native: &str) -> FinishReason {
    match native {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        "pause_turn" => FinishReason::Paused,
        _ => FinishReason::Unspecified,
    }
}
