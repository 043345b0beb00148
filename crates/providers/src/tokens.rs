//! The size of a prompt, as its provider counts it. Costs nothing.

use serde::Deserialize;

use crate::decode::{Reply, Undecodable};
use crate::encode::{self, Call, EncodeError, EncodeErrorKind, Endpoint, WireRequest};
use crate::json::Count;
use crate::{Api, Dialect, ProviderError, anthropic, generate_content, openai_responses};

/// A request and the dialect that its answer comes in.
pub struct Exchange {
    /// What to send.
    pub request: WireRequest,
    /// How to read the answer: for [`read`].
    pub dialect: Dialect,
}

/// Asks for the size of a request's prompt. Refused where the provider has no way to ask.
pub fn request(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    let dialect = call.dialect();
    let body = match dialect.api() {
        Api::Messages => encode::body(call, anthropic::encode_count)?,
        Api::Responses => encode::body(call, openai_responses::encode_count)?,
        Api::GenerateContent => generate_content::count(call)?,
        Api::ChatCompletions => {
            return encode::refuse(
                "request.model",
                EncodeErrorKind::UnsupportedByProvider,
                "the provider has no way to count its tokens",
            );
        }
    };
    let endpoint = Endpoint::CountTokens {
        api: dialect.api(),
        model: call.model,
    };
    Ok(Exchange {
        request: encode::post(&call.target, endpoint, body)?,
        dialect,
    })
}

/// Reads the size.
pub fn read(dialect: Dialect, reply: &Reply<'_>) -> Result<i64, ProviderError> {
    reply.read(dialect.provider(), |body| {
        let size: Size = serde_json::from_slice(body).map_err(|_| Undecodable)?;
        let tokens = match dialect.api() {
            Api::GenerateContent => size.total_tokens,
            Api::ChatCompletions | Api::Messages | Api::Responses => size.input_tokens,
        };
        tokens.map(Count::get).ok_or(Undecodable)
    })
}

#[derive(Deserialize)]
struct Size {
    input_tokens: Option<Count>,
    #[serde(rename = "totalTokens")]
    total_tokens: Option<Count>,
}
