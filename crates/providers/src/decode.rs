//! From a provider's answer to a neutral one.

mod call_id;
mod draft;

use http::HeaderMap;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{FinishReason, Message, Usage};

pub use crate::reply::Reply;

pub(crate) use call_id::{is_synthetic, synthetic_call_id};
pub(crate) use draft::{Draft, PartId};

use crate::error::{self, ProviderError};
use crate::{Api, Dialect, anthropic, generate_content, openai_chat, openai_responses};

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
    /// The service tier that the provider says it served the call in; empty when it says nothing.
    pub service_tier: String,
    /// What the provider says the call cost, in nano-US-dollars. None when it does not.
    pub cost_nanos: Option<i64>,
    /// Ids of reasoning that was sent along and that the provider says it did not use: for
    /// [`Exchange::sent_reasoning`].
    ///
    /// [`Exchange::sent_reasoning`]: crate::encode::Exchange::sent_reasoning
    pub unused_reasoning: Vec<String>,
}

/// Reads a whole answer, or the error that came in its place, whatever the status says.
pub fn unary(dialect: Dialect, reply: &Reply<'_>) -> Result<Answer, ProviderError> {
    let mut answer = read(dialect.provider(), reply, |body| match dialect.api() {
        Api::ChatCompletions => openai_chat::decode(dialect, body),
        Api::GenerateContent => generate_content::decode(dialect, body),
        Api::Messages => anthropic::decode(dialect, body),
        Api::Responses => openai_responses::decode(dialect, body),
    })?;
    if answer.service_tier.is_empty() {
        answer.service_tier = service_tier(dialect.provider(), reply.headers);
    }
    Ok(answer)
}

/// The service tier that the head of an answer names; empty when it says nothing. Google AI Studio
/// names it there, and nowhere in the body.
pub(crate) fn service_tier(provider: ProviderId, headers: &HeaderMap) -> String {
    let tier = match provider {
        ProviderId::Google => headers.get("x-gemini-service-tier"),
        _ => None,
    };
    let tier = tier.and_then(|tier| tier.to_str().ok());
    tier.unwrap_or_default().to_ascii_lowercase()
}

/// Decodes the body of a success. Every other reply is classified as an error.
pub(crate) fn read<T>(
    provider: ProviderId,
    reply: &Reply<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, Undecodable>,
) -> Result<T, ProviderError> {
    if !reply.status.is_success() {
        return Err(error::classify(provider, reply));
    }
    decode(reply.body).map_err(|Undecodable| {
        if error::contains_error(reply.body) {
            error::classify(provider, reply)
        } else {
            error::malformed(reply)
        }
    })
}

/// A body is no answer in its dialect: an error in disguise, or garbage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Undecodable;
