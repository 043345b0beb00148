//! The answer's body.

use latchkey_contract::router::v1::{FinishReason, PartDelta};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::calls::{Calls, Piece};
use super::content::Spoken;
use super::usage;
use crate::decode::{Answer, Draft, PartId, Undecodable};
use crate::json::Text;
use crate::{Dialect, Provider};

/// Reads a whole answer.
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
    let mut saying = Saying::new(dialect);
    let id = completion.id.unwrap_or_default();
    let said = choice.message.ok_or(Undecodable)?;
    saying.add(said, &id, &mut Vec::new());
    let native = choice.finish_reason.unwrap_or_default();
    Ok(Answer {
        finish_reason: finish_reason(&native, &saying.draft),
        native_finish_reason: native.into_owned(),
        message: saying.draft.into_message(),
        model: completion.model.unwrap_or_default().into_owned(),
        response_id: id.into_owned(),
        usage: usage::read(completion.usage),
        service_tier: completion.service_tier.unwrap_or_default().into_owned(),
        cost_nanos: None,
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
    message: Option<Said<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

/// A message, or more of one.
#[derive(Deserialize)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    content: Option<Spoken<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    /// What compatible servers call their reasoning.
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    /// What others call it; some send both.
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<Piece<'a>>>,
}

/// A message that is being said.
#[derive(Debug)]
pub(super) struct Saying {
    pub(super) draft: Draft,
    text: Option<PartId>,
    reasoning: Option<PartId>,
    refusal: Option<PartId>,
    calls: Calls,
}

impl Saying {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            draft: Draft::new(dialect),
            text: None,
            reasoning: None,
            refusal: None,
            calls: Calls::default(),
        }
    }

    /// Takes in more of it.
    pub(super) fn add(&mut self, said: Said<'_>, response_id: &str, deltas: &mut Vec<PartDelta>) {
        let draft = &mut self.draft;
        let reasoning = said
            .reasoning_content
            .filter(|text| !text.is_empty())
            .or(said.reasoning);
        if let Some(more) = reasoning.filter(|text| !text.is_empty()) {
            let part = *self.reasoning.get_or_insert_with(|| draft.open_reasoning());
            deltas.push(draft.push(part, &more));
        }
        if let Some(Spoken(more)) = said.content
            && !more.is_empty()
        {
            let part = *self.text.get_or_insert_with(|| draft.open_text());
            deltas.push(draft.push(part, &more));
        }
        if let Some(more) = said.refusal.filter(|text| !text.is_empty()) {
            let part = *self.refusal.get_or_insert_with(|| draft.open_refusal());
            deltas.push(draft.push(part, &more));
        }
        for piece in said.tool_calls.iter().flatten() {
            self.calls.push(draft, response_id, piece, deltas);
        }
    }
}

/// Why the answer ended. Several servers say `stop` when they wait for tools, and OpenAI does so when
/// a call was forced.
pub(super) fn finish_reason(native: &str, draft: &Draft) -> FinishReason {
    let provider = draft.dialect().provider();
    let reason = match native {
        "stop" => FinishReason::Stop,
        "" | "eos" | "eos_token" | "end_turn" if provider == Provider::Custom => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Unspecified,
    };
    match reason {
        FinishReason::Stop if draft.has_tool_calls() => FinishReason::ToolCalls,
        FinishReason::Stop if draft.has_refusal() => FinishReason::ContentFilter,
        reason => reason,
    }
}
