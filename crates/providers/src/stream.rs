//! Streamed answers: server-sent events, and the decoder that builds an answer from them.

mod events;

use http::HeaderMap;
use latchkey_contract::router::v1::{PartDelta, Usage};

pub use events::{MAX_EVENT_BYTES, SseError, SseEvent, events};

use crate::decode::{Answer, Undecodable, service_tier};
use crate::error::{self, ProviderError};
use crate::{Api, Dialect, anthropic, generate_content, openai_chat, openai_responses};

/// Decodes the events of one answer into deltas, and builds the complete answer.
#[derive(Debug)]
pub struct Decoder {
    dialect: Dialect,
    state: State,
    /// The service tier in the response headers.
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
    /// A decoder for an answer in the dialect.
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

    /// Handles the response headers, in which Google names the service tier.
    pub fn head(&mut self, headers: &HeaderMap) {
        self.service_tier = service_tier(self.dialect.provider(), headers);
    }

    /// Handles an event. An error within the stream ends it; `api_key` is redacted from its
    /// message.
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

    /// The usage reported so far.
    pub fn usage(&self) -> Option<Usage> {
        match &self.state {
            State::ChatCompletions(decoder) => decoder.usage(),
            State::GenerateContent(decoder) => decoder.usage(),
            State::Messages(decoder) => decoder.usage(),
            State::Responses(decoder) => decoder.usage(),
        }
    }

    /// Whether the last event of the answer was handled. Later events add nothing.
    pub fn is_complete(&self) -> bool {
        match &self.state {
            State::ChatCompletions(decoder) => decoder.is_complete(),
            State::GenerateContent(decoder) => decoder.is_complete(),
            State::Messages(decoder) => decoder.is_complete(),
            State::Responses(decoder) => decoder.is_complete(),
        }
    }

    /// Returns the complete answer at the end of the stream. A stream that was cut is an error
    /// ([`ErrorClass::Truncated`]), because a dropped connection looks like an end.
    ///
    /// [`ErrorClass::Truncated`]: crate::ErrorClass::Truncated
    pub fn finish(self) -> Result<Answer, ProviderError> {
        let finished = match self.state {
            State::ChatCompletions(decoder) => decoder.finish(),
            State::GenerateContent(decoder) => decoder.finish(),
            State::Messages(decoder) => decoder.finish(),
            State::Responses(decoder) => decoder.finish(),
        };
        let mut answer = finished.ok_or_else(ProviderError::truncated)?;
        if answer.service_tier.is_empty() {
            answer.service_tier = self.service_tier;
        }
        Ok(answer)
    }
}
