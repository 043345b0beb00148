//! Assistant messages as they are sent back, with reasoning where the provider accepts it.

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{Message, Part, Reasoning};
use serde::Serialize;
use serde_json::value::RawValue;

use super::flavour::{Flavour, Replay};
use super::message::{Content, joined, texts};
use crate::encode::{EncodeError, EncodeErrorKind, LongText, part_field, refuse, tool_arguments};

/// An assistant message.
#[derive(Serialize)]
pub(super) struct Assistant<'a> {
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
}

/// Reasoning of this provider, as it is sent back.
#[derive(Default)]
struct ReplayedReasoning<'a> {
    content: Option<Content<'a>>,
    text: Option<Content<'a>>,
    details: Vec<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToolCall<'a> {
    Function {
        id: &'a str,
        function: FunctionCall<'a>,
    },
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    name: &'a str,
    arguments: LongText<'a>,
}

impl<'a> Assistant<'a> {
    /// Writes a message. None when nothing of it is sent back. `tools` is whether the request or
    /// the conversation has tools.
    pub(super) fn of(
        flavour: &Flavour,
        mark: &str,
        tools: bool,
        m: usize,
        message: &'a Message,
    ) -> Result<Option<Self>, EncodeError> {
        let mut visible = Vec::new();
        let mut refusal = None;
        let mut tool_calls = Vec::new();
        let mut reasonings = Vec::new();
        for (p, part) in message.parts.iter().enumerate() {
            match &part.content {
                // An empty text only carries another provider's state.
                Some(Neutral::Text(text)) if text.is_empty() => {}
                Some(Neutral::Text(text)) => visible.push(text.as_str()),
                // A second refusal, and one without a field for it, is sent as text.
                Some(Neutral::Refusal(text)) if flavour.refusals && refusal.is_none() => {
                    refusal = Some(text.as_str());
                }
                Some(Neutral::Refusal(text)) => visible.push(text),
                Some(Neutral::ToolCall(tool_call)) => tool_calls.push(ToolCall::Function {
                    id: &tool_call.id,
                    function: FunctionCall {
                        name: &tool_call.name,
                        arguments: LongText(tool_arguments(m, p, tool_call)?.get()),
                    },
                }),
                Some(Neutral::Reasoning(reasoning)) if is_own(mark, part) => {
                    reasonings.push((p, reasoning, part));
                }
                _ => {}
            }
        }
        let replayed = ReplayedReasoning::of(flavour.replay, tools, m, &reasonings)?;
        let empty = visible.is_empty() && refusal.is_none() && tool_calls.is_empty();
        if empty && (reasonings.is_empty() || flavour.replay == Replay::Nothing) {
            return Ok(None);
        }
        let without_text = visible.is_empty() && flavour.null_content;
        Ok(Some(Self {
            content: (!without_text).then(|| texts(flavour, visible.into_iter())),
            refusal,
            reasoning_content: replayed.content,
            reasoning: replayed.text,
            reasoning_details: replayed.details,
            tool_calls,
        }))
    }
}

impl<'a> ReplayedReasoning<'a> {
    fn of(
        replay: Replay,
        tools: bool,
        m: usize,
        reasonings: &[(usize, &'a Reasoning, &'a Part)],
    ) -> Result<Self, EncodeError> {
        let mut replayed = Self::default();
        let mut texts = Vec::new();
        match replay {
            Replay::Nothing => {}
            Replay::Content => {
                texts.extend(
                    reasonings
                        .iter()
                        .map(|(_, reasoning, _)| reasoning.text.as_str()),
                );
                // With tools DeepSeek requires the field in every assistant message, also in those
                // of other models; it may be empty.
                let wanted = tools || !texts.is_empty();
                replayed.content = wanted.then(|| joined(&texts));
            }
            Replay::Details => {
                for (p, reasoning, part) in reasonings {
                    let details = details(m, *p, part)?;
                    if details.is_empty() {
                        texts.push(reasoning.text.as_str());
                    }
                    replayed.details.extend(details);
                }
                replayed.text = (!texts.is_empty()).then(|| joined(&texts));
            }
        }
        Ok(replayed)
    }
}

fn is_own(mark: &str, part: &Part) -> bool {
    let state = part.provider_state.as_ref();
    state.is_some_and(|state| state.provider == mark)
}

/// The details in a state, each unchanged.
fn details(m: usize, p: usize, part: &Part) -> Result<Vec<&RawValue>, EncodeError> {
    let state = part.provider_state.as_ref();
    let data = state.map(|state| &state.data[..]).unwrap_or_default();
    match serde_json::from_slice(data) {
        Ok(details) => Ok(details),
        Err(_) => refuse(
            part_field(m, p, "provider_state.data"),
            EncodeErrorKind::Invalid,
            "was not given by the provider",
        ),
    }
}
