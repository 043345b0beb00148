//! The answer in chunks.

use latchkey_contract::router::v1::{PartDelta, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::{Said, Saying, finish_reason};
use super::usage;
use crate::decode::{Answer, Undecodable};
use crate::json::Text;
use crate::{Dialect, Provider};

/// Puts chunks together.
#[derive(Debug)]
pub(crate) struct Decoder {
    saying: Saying,
    id: String,
    model: String,
    finish: Option<String>,
    usage: Option<Usage>,
    service_tier: String,
    done: bool,
}

impl Decoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            saying: Saying::new(dialect),
            id: String::new(),
            model: String::new(),
            finish: None,
            usage: None,
            service_tier: String::new(),
            done: false,
        }
    }

    /// Takes in an event's data.
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
        }
        let mut deltas = Vec::new();
        for choice in chunk.choices.unwrap_or_default() {
            if choice.index.unwrap_or(0) != 0 {
                continue;
            }
            if let Some(said) = choice.delta {
                self.saying.add(said, &self.id, &mut deltas);
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish = Some(reason.into_owned());
            }
        }
        Ok(deltas)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the end marker was seen. Usage comes after the finish reason, so that is no end.
    pub(crate) fn is_complete(&self) -> bool {
        self.done
    }

    /// The whole, or nothing when the stream was cut: it must have given a reason for its end, or,
    /// from a compatible server, at least the end marker.
    pub(crate) fn finish(self) -> Option<Answer> {
        let provider = self.saying.draft.dialect().provider();
        let tolerated = self.done && provider == Provider::Custom;
        let native = self.finish.or_else(|| tolerated.then(String::new))?;
        Some(Answer {
            finish_reason: finish_reason(&native, &self.saying.draft),
            native_finish_reason: native,
            message: self.saying.draft.into_message(),
            model: self.model,
            response_id: self.id,
            usage: self.usage,
            service_tier: self.service_tier,
            cost_nanos: None,
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
    delta: Option<Said<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

/// The last event's data. It is not JSON.
const END: &str = "[DONE]";
