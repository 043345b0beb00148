//! The body of Responses answers.

use std::borrow::Cow;

use latchkey_contract::router::v1::{FinishReason, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::ItemState;
use super::usage;
use crate::Dialect;
use crate::decode::{Answer, Draft, Undecodable};
use crate::json::Text;

/// Decodes a complete answer.
pub(crate) fn decode(dialect: Dialect, body: &[u8]) -> Result<Answer, Undecodable> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    if response.error.is_some() {
        return Err(Undecodable);
    }
    let mut draft = Draft::new(dialect);
    for raw in response.output.clone().ok_or(Undecodable)? {
        let item: OutputItem<'_> = serde_json::from_str(raw.get()).map_err(|_| Undecodable)?;
        add(&mut draft, raw, &item);
    }
    let end = End::of(&response);
    Ok(end.answer(draft))
}

/// A response: the complete answer, or the last event of a stream.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    output: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(borrow)]
    input_transformations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

/// A change that OpenAI made to the input, such as leaving out reasoning of another organisation.
#[derive(Deserialize)]
struct Transformation<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    action: Text<'a>,
    #[serde(rename = "type", borrow, default)]
    kind: Text<'a>,
}

/// An output item of any type.
#[derive(Deserialize)]
pub(super) struct OutputItem<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    phase: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) call_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) arguments: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<Piece<'a>>>,
    #[serde(borrow)]
    pub(super) summary: Option<Vec<Piece<'a>>>,
}

/// A content part of a message, or a summary of reasoning.
#[derive(Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Text<'a>>,
}

impl OutputItem<'_> {
    /// The state to send back with the item. None when it has no id.
    pub(super) fn state(&self) -> Option<Vec<u8>> {
        let given = |text: &Option<Text<'_>>| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            Some(Cow::Owned(text.to_owned()))
        };
        let item = ItemState {
            id: given(&self.id)?,
            status: given(&self.status),
            phase: given(&self.phase),
        };
        Some(item.to_bytes())
    }
}

fn add(draft: &mut Draft, raw: &RawValue, item: &OutputItem<'_>) {
    match &*item.kind {
        "message" => {
            for piece in item.content.iter().flatten() {
                let (part, more) = match (&piece.text, &piece.refusal) {
                    (Some(text), _) if !text.is_empty() => (draft.open_text(), text),
                    (_, Some(refusal)) if !refusal.is_empty() => (draft.open_refusal(), refusal),
                    _ => continue,
                };
                draft.push(part, more);
                if let Some(state) = item.state() {
                    draft.set_state(part, state);
                }
            }
        }
        "reasoning" => {
            let part = draft.open_reasoning();
            let pieces = item.summary.iter().chain(&item.content).flatten();
            let texts = pieces.filter_map(|piece| piece.text.as_deref());
            for (index, text) in texts.enumerate() {
                if index > 0 {
                    draft.push(part, SUMMARY_SEPARATOR);
                }
                draft.push(part, text);
            }
            // Reasoning is sent back as the received item.
            draft.set_state(part, raw.get().to_owned());
        }
        "function_call" => {
            let id = item.call_id.clone().unwrap_or_default().into_owned();
            let name = item.name.clone().unwrap_or_default().into_owned();
            let (part, _) = draft.open_tool_call(id, name);
            if let Some(arguments) = &item.arguments {
                draft.push(part, arguments);
            }
            if let Some(state) = item.state() {
                draft.set_state(part, state);
            }
        }
        // Server tools, and types that are unknown here.
        _ => {}
    }
}

/// The data at the end of a response.
#[derive(Clone, Debug)]
pub(super) struct End {
    id: String,
    model: String,
    status: String,
    incomplete: Option<String>,
    service_tier: String,
    unused_reasoning: Vec<String>,
    pub(super) usage: Option<Usage>,
}

impl End {
    pub(super) fn of(response: &Response<'_>) -> Self {
        let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
        let incomplete = response.incomplete_details.as_ref();
        Self {
            id: text(&response.id),
            model: text(&response.model),
            status: text(&response.status),
            incomplete: incomplete
                .and_then(|details| details.reason.as_deref())
                .map(str::to_owned),
            service_tier: text(&response.service_tier),
            unused_reasoning: unused_reasoning(response.input_transformations),
            usage: usage::read(response.usage),
        }
    }

    pub(super) fn answer(self, draft: Draft) -> Answer {
        let native = self.incomplete.unwrap_or(self.status);
        let finish_reason = match native.as_str() {
            "completed" if draft.has_tool_calls() => FinishReason::ToolCalls,
            "completed" if draft.has_refusal() => FinishReason::ContentFilter,
            "completed" => FinishReason::Stop,
            "max_output_tokens" => FinishReason::Length,
            "content_filter" => FinishReason::ContentFilter,
            _ => FinishReason::Unspecified,
        };
        Answer {
            finish_reason,
            native_finish_reason: native,
            message: draft.into_message(),
            model: self.model,
            response_id: self.id,
            usage: self.usage,
            service_tier: self.service_tier,
            cost_nanos: None,
            unused_reasoning: self.unused_reasoning,
        }
    }
}

/// The ids of reasoning that OpenAI left out. Invalid data must not fail an answer.
fn unused_reasoning(transformations: Option<&RawValue>) -> Vec<String> {
    let list: Option<Vec<&RawValue>> =
        transformations.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let removed = list.into_iter().flatten().filter_map(|raw| {
        let change: Transformation<'_> = serde_json::from_str(raw.get()).ok()?;
        let removed = &*change.kind == "reasoning" && &*change.action == "removed";
        (removed && !change.id.is_empty()).then(|| change.id.into_owned())
    });
    removed.collect()
}

/// Summaries are separate paragraphs.
pub(super) const SUMMARY_SEPARATOR: &str = "\n\n";
