//! The body of Chat Completions answers.

use std::borrow::Cow;

use latchkey_contract::router::v1::{FinishReason, Message, PartDelta, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{Calls, Piece};
use super::content::TextContent;
use super::details::Details;
use super::flavour::{Flavour, Replay};
use super::usage;
use crate::Dialect;
use crate::decode::{Answer, Draft, PartId, Undecodable};
use crate::json::Text;
use crate::money::cost_in;

/// Decodes a complete answer.
pub(crate) fn decode(dialect: Dialect, body: &[u8]) -> Result<Answer, Undecodable> {
    let completion: Completion<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    if completion.error.is_some() {
        return Err(Undecodable);
    }
    let choice = completion
        .choices
        .unwrap_or_default()
        .into_iter()
        .find(|choice| choice.index.unwrap_or(0) == 0)
        .ok_or(Undecodable)?;
    let reason = choice.finish_reason.unwrap_or_default();
    let mut builder = MessageBuilder::new(dialect, Arrival::Whole);
    if choice.error.is_some() || builder.flavour().failures.contains(&&*reason) {
        return Err(Undecodable);
    }
    let id = completion.id.unwrap_or_default();
    let delta = choice.message.ok_or(Undecodable)?;
    builder.add(delta, &id, &mut Vec::new());
    let usage = usage::read(completion.usage);
    if builder.is_cold_start(&reason, usage.as_ref()) {
        return Err(Undecodable);
    }
    let native = choice
        .native_finish_reason
        .filter(|native| !native.is_empty());
    Ok(Answer {
        finish_reason: builder.finish_reason(&reason),
        native_finish_reason: native.unwrap_or(reason).into_owned(),
        message: builder.into_message(),
        model: completion.model.unwrap_or_default().into_owned(),
        response_id: id.into_owned(),
        usage,
        service_tier: completion.service_tier.unwrap_or_default().into_owned(),
        cost_nanos: cost_in(completion.usage),
        unused_reasoning: Vec::new(),
    })
}

#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<i64>,
    #[serde(borrow)]
    message: Option<MessageDelta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
    /// The finish reason of OpenRouter's upstream.
    #[serde(borrow)]
    native_finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A message or a delta of one.
#[derive(Deserialize)]
pub(super) struct MessageDelta<'a> {
    #[serde(borrow)]
    content: Option<TextContent<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    /// Reasoning at most compatible servers.
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    /// Reasoning at others. Some servers send both fields.
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    /// Reasoning in the form that OpenRouter's upstreams require back.
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Piece<'a>>>,
}

/// Builds a message from one or several deltas.
#[derive(Debug)]
pub(super) struct MessageBuilder {
    arrival: Arrival,
    draft: Draft,
    text: Option<PartId>,
    reasoning: Option<PartId>,
    details: Details,
    refusal: Option<PartId>,
    calls: Calls,
}

/// Whether a message arrives complete or in pieces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Arrival {
    InPieces,
    Whole,
}

impl MessageBuilder {
    pub(super) fn new(dialect: Dialect, arrival: Arrival) -> Self {
        Self {
            arrival,
            draft: Draft::new(dialect),
            text: None,
            reasoning: None,
            details: Details::default(),
            refusal: None,
            calls: Calls::default(),
        }
    }

    pub(super) fn flavour(&self) -> &'static Flavour {
        Flavour::of(self.draft.dialect().provider())
    }

    /// Adds a delta.
    pub(super) fn add(
        &mut self,
        delta: MessageDelta<'_>,
        response_id: &str,
        deltas: &mut Vec<PartDelta>,
    ) {
        self.add_reasoning(&delta, deltas);
        let draft = &mut self.draft;
        if let Some(TextContent(more)) = delta.content
            && !more.is_empty()
        {
            let part = *self.text.get_or_insert_with(|| draft.open_text());
            deltas.push(draft.push(part, &more));
        }
        if let Some(more) = delta.refusal.filter(|text| !text.is_empty()) {
            let part = *self.refusal.get_or_insert_with(|| draft.open_refusal());
            deltas.push(draft.push(part, &more));
        }
        for piece in delta.tool_calls.iter().flatten() {
            self.calls.push(draft, response_id, piece, deltas);
        }
    }

    fn add_reasoning<'a>(&mut self, delta: &'a MessageDelta<'_>, deltas: &mut Vec<PartDelta>) {
        let given = |text: &'a Option<Text<'_>>| text.as_deref().filter(|text| !text.is_empty());
        let mut text = given(&delta.reasoning_content)
            .or_else(|| given(&delta.reasoning))
            .map(Cow::Borrowed);
        let mut any = text.is_some();
        if let Some(list) = delta.reasoning_details
            && self.flavour().replay == Replay::Details
        {
            any |= match self.arrival {
                Arrival::InPieces => self.details.join(list),
                Arrival::Whole => self.details.take(list),
            };
            text = text.or_else(|| Some(Cow::Owned(Details::text(list))));
        }
        if !any {
            return;
        }
        let draft = &mut self.draft;
        let part = *self.reasoning.get_or_insert_with(|| draft.open_reasoning());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            deltas.push(draft.push(part, &text));
        }
    }

    /// Maps the finish reason. Several servers send `stop` for tool calls, and so does OpenAI when
    /// a call was forced.
    pub(super) fn finish_reason(&self, reason: &str) -> FinishReason {
        let reason = match reason {
            "stop" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "tool_calls" | "function_call" => FinishReason::ToolCalls,
            "content_filter" => FinishReason::ContentFilter,
            _ if self.flavour().optional_finish_reason => lenient_reason(reason),
            _ => FinishReason::Unspecified,
        };
        match reason {
            FinishReason::Stop if self.draft.has_tool_calls() => FinishReason::ToolCalls,
            FinishReason::Stop if self.draft.has_refusal() => FinishReason::ContentFilter,
            reason => reason,
        }
    }

    /// Whether this is OpenRouter's empty answer while a model starts: no content, and no tokens
    /// used.
    pub(super) fn is_cold_start(&self, reason: &str, usage: Option<&Usage>) -> bool {
        let spent = usage.map_or(0, |usage| usage.output_tokens + usage.reasoning_tokens);
        self.flavour().cold_starts
            && matches!(reason, "" | "stop")
            && spent == 0
            && self.draft.is_empty()
    }

    /// Returns the message, with the state that the provider requires back.
    pub(super) fn into_message(mut self) -> Message {
        if let Some(part) = self.reasoning {
            match self.flavour().replay {
                Replay::Nothing => {}
                // The text is sent back; the state records its field.
                Replay::Content => self.draft.set_state(part, REASONING_CONTENT),
                Replay::Details => self.draft.set_state(part, self.details.into_list()),
            }
        }
        self.draft.into_message()
    }
}

/// Maps finish reasons of other servers, and a missing one.
fn lenient_reason(reason: &str) -> FinishReason {
    match reason {
        "" | "end_turn" | "eos" | "eos_token" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        _ => FinishReason::Unspecified,
    }
}

const REASONING_CONTENT: &str = "reasoning_content";
