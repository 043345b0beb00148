//! From a provider's answer to a neutral one.

mod draft;

use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use latchkey_contract::router::v1::{FinishReason, Message, Usage};

pub(crate) use draft::{Draft, PartId, state};

use crate::error::{self, ProviderError};
use crate::{Api, Dialect, anthropic, openai_chat, openai_responses};

/// What a model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it said. No parts when it said nothing.
    pub message: Message,
    /// Why it ended there.
    pub finish_reason: FinishReason,
    /// The reason in the provider's own word; empty when it gave none.
    pub native_finish_reason: String,
    /// The model that answered, as the provider named it.
    pub model: String,
    /// The provider's id of the answer.
    pub response_id: String,
    /// What was used, in classes that share no token. None when nobody told.
    pub usage: Option<Usage>,
}

/// Reads a whole answer, or the error that came in its place, whatever the status says.
///
/// `api_key` is what the call was made with, to be taken out of the provider's words; `now` dates
/// the hints of when to try again.
pub fn unary(
    dialect: Dialect,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    api_key: &str,
    now: SystemTime,
) -> Result<Answer, ProviderError> {
    let provider = dialect.provider();
    if !status.is_success() {
        return Err(error::classify(
            provider, status, headers, body, api_key, now,
        ));
    }
    let answer = match dialect.api() {
        Api::ChatCompletions => openai_chat::decode(provider, body),
        Api::Messages => anthropic::decode(body),
        Api::Responses => openai_responses::decode(body),
    };
    answer.map_err(|Undecodable| {
        if error::holds_error(body) {
            error::classify(provider, status, headers, body, api_key, now)
        } else {
            error::malformed(status, headers, body, api_key)
        }
    })
}

/// A body is no answer in its dialect: an error in disguise, or garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Undecodable;
