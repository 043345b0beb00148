//! Streamed answers: server-sent events, and the decoder that makes an answer of them.

mod events;

use http::HeaderMap;
use latchkey_contract::router::v1::{PartDelta, Usage};

pub use events::{MAX_EVENT_BYTES, SseError, SseEvent, events};

use crate::decode::{Answer, Undecodable, service_tier};
use crate::error::{self, ProviderError};
use crate::{Api, Dialect, anthropic, generate_content, openai_chat, openai_responses};

/// Takes in the events of one answer, gives out what each adds to it, and keeps the whole.
#[derive(Debug)]
pub struct Decoder {
    dialect: Dialect,
    state: State,
    /// What the head of the answer says of it.
    service_tier: String,
}

#[derive(Debug)]
enum State {
    ChatCompletions(openai_chat::Decoder),
    GenerateContent(generate_content::Decoder),
    Messages(anthropic::Decoder),
    Responses(openai_responses::Decoder),
}

impl Decoder {
    /// For an answer in this dialect.
    pub fn new(dialect: Dialect) -> Self {
        let state = match dialect.api() {
            Api::ChatCompletions => State::ChatCompletions(openai_chat::Decoder::new(dialect)),
            Api::GenerateContent => State::GenerateContent(generate_content::Decoder::new(dialect)),
            Api::Messages => State::Messages(anthropic::Decoder::new(dialect)),
            Api::Responses => State::Responses(openai_responses::Decoder::new(dialect)),
        };
        Self {
            dialect,
            state,
            service_tier: String::new(),
        }
    }

    /// Takes in the head of the answer, where Google names the service tier.
    pub fn head(&mut self, headers: &HeaderMap) {
        self.service_tier = service_tier(self.dialect.provider(), headers);
    }

    /// Takes in the next event. An error that the provider sends in the stream ends it; `api_key` is
    /// taken out of its words.
    pub fn event(
        &mut self,
        event: &SseEvent,
        api_key: &str,
    ) -> Result<Vec<PartDelta>, ProviderError> {
        let deltas = match &mut self.state {
            State::ChatCompletions(decoder) => decoder.event(&event.data),
            State::GenerateContent(decoder) => decoder.event(&event.data),
            State::Messages(decoder) => decoder.event(&event.data),
            State::Responses(decoder) => decoder.event(&event.data),
        };
        deltas.map_err(|Undecodable| error::in_band(self.dialect.provider(), &event.data, api_key))
    }

    /// What was used, as far as the provider has told.
    pub fn usage(&self) -> Option<Usage> {
        match &self.state {
            State::ChatCompletions(decoder) => decoder.usage(),
            State::GenerateContent(decoder) => decoder.usage(),
            State::Messages(decoder) => decoder.usage(),
            State::Responses(decoder) => decoder.usage(),
        }
    }

    /// Whether the answer's last event was taken in: nothing that follows adds to it.
    pub fn is_complete(&self) -> bool {
        match &self.state {
            State::ChatCompletions(decoder) => decoder.is_complete(),
            State::GenerateContent(decoder) => decoder.is_complete(),
            State::Messages(decoder) => decoder.is_complete(),
            State::Responses(decoder) => decoder.is_complete(),
        }
    }

    /// The whole answer, once the stream has ended. A stream that was cut is an error
    /// ([`ErrorClass::Truncated`]), for a dropped connection looks like an end.
    ///
    /// [`ErrorClass::Truncated`]: crate::ErrorClass::Truncated
    pub fn finish(self) -> Result<Answer, ProviderError> {
        let answer = match self.state {
            State::ChatCompletions(decoder) => decoder.finish(),
            State::GenerateContent(decoder) => decoder.finish(),
            State::Messages(decoder) => decoder.finish(),
            State::Responses(decoder) => decoder.finish(),
        };
        let mut answer = answer.ok_or_else(ProviderError::truncated)?;
        if answer.service_tier.is_empty() {
            answer.service_tier = self.service_tier;
        }
        Ok(answer)
    }
}
