//! Decodes a provider's answer into a neutral one.

mod call_id;
mod draft;

use http::HeaderMap;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{FinishReason, Message, Usage};

pub use crate::reply::Reply;

pub(crate) use call_id::{is_synthetic, synthetic_call_id};
pub(crate) use draft::{Draft, PartId};

use crate::error::{self, ProviderError, redact};
use crate::{Api, Dialect, anthropic, generate_content, openai_chat, openai_responses};

/// A model's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The message. It has no parts if the model produced none.
    pub message: Message,
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// The provider's own finish reason. Empty when the answer has none.
    pub native_finish_reason: String,
    /// The model that answered, by the provider's name.
    pub model: String,
    /// The provider's id of the answer.
    pub response_id: String,
    /// Usage, in disjoint classes of tokens. None when the provider did not report it.
    pub usage: Option<Usage>,
    /// The service tier that served the call, by the provider's answer. Empty when the answer names
    /// none.
    pub service_tier: String,
    /// The cost by the provider's answer, in nano-US-dollars. None when the answer has none.
    pub cost_nanos: Option<i64>,
    /// Ids of reasoning that was sent and that the provider reports as unused. They refer to
    /// [`Exchange::sent_reasoning`].
    ///
    /// [`Exchange::sent_reasoning`]: crate::encode::Exchange::sent_reasoning
    pub unused_reasoning: Vec<String>,
}

/// Decodes a complete answer, or classifies an error, whatever its status.
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
    Ok(answer.redacted(reply.secret))
}

impl Answer {
    /// The answer without the secret of the call, should the endpoint repeat it as an id or a name.
    #[must_use]
    pub fn redacted(mut self, secret: &str) -> Self {
        for text in [
            &mut self.native_finish_reason,
            &mut self.model,
            &mut self.response_id,
            &mut self.service_tier,
        ] {
            if !text.is_empty() {
                *text = redact(text, secret);
            }
        }
        self
    }
}

/// The service tier named by the response headers. Empty when they name none. Google AI Studio
/// names it there and not in the body.
pub(crate) fn service_tier(provider: ProviderId, headers: &HeaderMap) -> String {
    let header = match provider {
        ProviderId::Google => headers.get("x-gemini-service-tier"),
        _ => None,
    };
    header
        .and_then(|tier| tier.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase()
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

/// The body is not an answer in its dialect. It may be an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Undecodable;
