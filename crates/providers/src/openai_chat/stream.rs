//! Streamed Chat Completions answers.

use latchkey_contract::router::v1::{PartDelta, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::{Arrival, MessageBuilder, MessageDelta};
use super::usage;
use crate::Dialect;
use crate::decode::{Answer, Undecodable};
use crate::json::Text;
use crate::money::cost_in;

/// Builds an answer from chunks.
#[derive(Debug)]
pub(crate) struct Decoder {
    builder: MessageBuilder,
    id: String,
    model: String,
    finish: Option<String>,
    native_finish: Option<String>,
    usage: Option<Usage>,
    cost_nanos: Option<i64>,
    service_tier: String,
    done: bool,
}

impl Decoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            builder: MessageBuilder::new(dialect, Arrival::InPieces),
            id: String::new(),
            model: String::new(),
            finish: None,
            native_finish: None,
            usage: None,
            cost_nanos: None,
            service_tier: String::new(),
            done: false,
        }
    }

    /// Handles the data of an event.
    pub(crate) fn event(&mut self, data: &str) -> Result<Vec<PartDelta>, Undecodable> {
        let data = data.trim_ascii();
        if data == END || data.is_empty() {
            self.done |= data == END;
            return Ok(Vec::new());
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|_| Undecodable)?;
        let is_error = chunk.object.is_some_and(|object| &*object == "error");
        if is_error || chunk.error.is_some() {
            return Err(Undecodable);
        }
        if self.id.is_empty() {
            self.id = chunk.id.unwrap_or_default().into_owned();
        }
        if self.model.is_empty() {
            self.model = chunk.model.unwrap_or_default().into_owned();
        }
        if let Some(tier) = chunk.service_tier.filter(|tier| !tier.is_empty()) {
            self.service_tier = tier.into_owned();
        }
        if let Some(usage) = usage::read(chunk.usage) {
            self.usage = Some(usage);
            self.cost_nanos = cost_in(chunk.usage);
        }
        let mut deltas = Vec::new();
        for choice in chunk.choices.unwrap_or_default() {
            if choice.index.unwrap_or(0) != 0 {
                continue;
            }
            let reason = choice.finish_reason.filter(|reason| !reason.is_empty());
            let failed = |reason: &Text<'_>| self.builder.flavour().failures.contains(&&**reason);
            if choice.error.is_some() || reason.as_ref().is_some_and(failed) {
                return Err(Undecodable);
            }
            if let Some(delta) = choice.delta {
                self.builder.add(delta, &self.id, &mut deltas);
            }
            if let Some(reason) = reason {
                self.finish = Some(reason.into_owned());
            }
            if let Some(native) = choice
                .native_finish_reason
                .filter(|native| !native.is_empty())
            {
                self.native_finish = Some(native.into_owned());
            }
        }
        Ok(deltas)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the end marker was received. Usage follows the finish reason, so that is not the
    /// end.
    pub(crate) fn is_complete(&self) -> bool {
        self.done
    }

    /// Returns the complete answer. None when the stream was cut: it must have a finish reason or,
    /// from a compatible server, at least the end marker. None too when it has no answer.
    pub(crate) fn finish(self) -> Option<Answer> {
        let tolerated = self.done && self.builder.flavour().optional_finish_reason;
        let reason = self.finish.or_else(|| tolerated.then(String::new))?;
        if self.builder.is_cold_start(&reason, self.usage.as_ref()) {
            return None;
        }
        Some(Answer {
            finish_reason: self.builder.finish_reason(&reason),
            native_finish_reason: self.native_finish.unwrap_or(reason),
            message: self.builder.into_message(),
            model: self.model,
            response_id: self.id,
            usage: self.usage,
            service_tier: self.service_tier,
            cost_nanos: self.cost_nanos,
            unused_reasoning: Vec::new(),
        })
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    object: Option<Text<'a>>,
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
    delta: Option<MessageDelta<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    native_finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The data of the last event, which is not JSON.
const END: &str = "[DONE]";
