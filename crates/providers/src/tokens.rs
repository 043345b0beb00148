//! Counts the tokens of a prompt with its provider, free of charge.

use serde::Deserialize;

use crate::catalogue::ModelTraits;
use crate::decode::{self, Undecodable};
use crate::encode::{self, Call, EncodeError, EncodeErrorKind, Endpoint, WireRequest};
use crate::json::Count;
use crate::reply::Reply;
use crate::{Api, Dialect, ProviderError, anthropic, generate_content, openai_responses};

/// An encoded request and how to decode its answer.
pub struct Exchange {
    /// The HTTP request to send.
    pub request: WireRequest,
    /// The dialect of the answer, for [`read`].
    pub dialect: Dialect,
}

/// Encodes a token count of the request's prompt. Refused if the provider has no such operation.
pub fn request(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    // Chat Completions cannot count tokens, but Responses can for the same models.
    let traits = ModelTraits {
        api: match call.dialect().api() {
            Api::ChatCompletions => Api::Responses,
            api => api,
        },
        ..call.traits.clone()
    };
    let call = &Call {
        target: call.target,
        model: call.model,
        traits: &traits,
        request: call.request,
        stream: false,
    };
    let dialect = call.dialect();
    let body = match dialect.api() {
        Api::Messages => {
            encode::body_with_known_options(call, anthropic::encode_count, ANTHROPIC_OPTIONS)?
        }
        Api::Responses => {
            encode::body_with_known_options(call, openai_responses::encode_count, OPENAI_OPTIONS)?
        }
        Api::GenerateContent => generate_content::count(call)?,
        Api::ChatCompletions => {
            return encode::refuse(
                "model",
                EncodeErrorKind::UnsupportedByProvider,
                "the provider does not count tokens",
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

/// Decodes the token count.
pub fn read(dialect: Dialect, reply: &Reply<'_>) -> Result<i64, ProviderError> {
    decode::read(dialect.provider(), reply, |body| {
        let size: Size = serde_json::from_slice(body).map_err(|_| Undecodable)?;
        let tokens = match dialect.api() {
            Api::GenerateContent => size.total_tokens,
            Api::ChatCompletions | Api::Messages | Api::Responses => size.input_tokens,
        };
        tokens.map(Count::get).ok_or(Undecodable)
    })
}

/// Options that a token count accepts as well. Others are for generation only.
const ANTHROPIC_OPTIONS: &[&str] = &[
    "cache_control",
    "context_management",
    "mcp_servers",
    "speed",
];
const OPENAI_OPTIONS: &[&str] = &["instructions", "personality", "truncation"];

#[derive(Deserialize)]
struct Size {
    input_tokens: Option<Count>,
    #[serde(rename = "totalTokens")]
    total_tokens: Option<Count>,
}
