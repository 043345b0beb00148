//! From a neutral request to the bytes and headers of an HTTP request.
//!
//! What a provider or a model cannot do is refused with the field's name, and never dropped. Two
//! things are left behind by design: a provider's state in a part goes to that provider alone, and
//! reasoning without such state goes to nobody.

mod endpoint;
mod error;
mod options;
mod rules;
mod sampling;
mod text;
mod tools;
mod write;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use latchkey_contract::router::v1::GenerateRequest;
use url::Url;

pub use error::{EncodeError, EncodeErrorKind};

use crate::catalogue::ModelTraits;
use crate::{Api, Dialect, Provider, anthropic, openai_chat, openai_responses};
pub(crate) use endpoint::{Endpoint, headers};
pub(crate) use error::{part_field, refuse};
pub(crate) use sampling::{Picked, Reasoning, Takes, reasoning, sampling};
pub(crate) use text::LongText;
pub(crate) use tools::{
    AnswerFormat, Choice, NO_ARGUMENTS, answer_format, choice, parallel, schema_name,
    tool_arguments, tool_schema,
};
pub(crate) use write::{Base64, DataUrl, Locator, detail, write};

/// A request for generation and everything it depends on. It holds a key and has no `Debug`.
pub struct Call<'a> {
    /// Whom to ask.
    pub provider: Provider,
    /// Where: the endpoint's beginning, such as `https://api.openai.com/v1`.
    pub base_url: &'a Url,
    /// With which key.
    pub api_key: &'a str,
    /// Which model, as the provider names it.
    pub model: &'a str,
    /// What the model takes: [`crate::catalogue::Catalogue::traits`].
    pub traits: &'a ModelTraits,
    /// What for.
    pub request: &'a GenerateRequest,
    /// Whether the answer shall be streamed.
    pub stream: bool,
}

/// A request and the dialect that its answer comes in.
pub struct Exchange {
    /// What to send.
    pub request: WireRequest,
    /// How to read the answer.
    pub dialect: Dialect,
}

/// An HTTP request. It carries a credential and has no `Debug`.
pub struct WireRequest {
    /// The method.
    pub method: Method,
    /// The whole URL. It holds no credential.
    pub uri: Uri,
    /// The headers, one credential among them, which is marked sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Writes a request in the model's dialect.
pub fn generate(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    let dialect = Dialect::new(call.provider, call.traits);
    if call.model.is_empty() {
        return refuse("model", EncodeErrorKind::Invalid, "is required");
    }
    rules::check(call.request)?;
    let (endpoint, mut body, reserved) = match dialect.api() {
        Api::ChatCompletions => (
            Endpoint::ChatCompletions,
            openai_chat::encode(call)?,
            openai_chat::RESERVED,
        ),
        Api::Messages => (
            Endpoint::Messages,
            anthropic::encode(call)?,
            anthropic::RESERVED,
        ),
        Api::Responses => (
            Endpoint::Responses,
            openai_responses::encode(call)?,
            openai_responses::RESERVED,
        ),
    };
    if let Some(options) = &call.request.provider_options {
        options::append(&mut body, options, reserved)?;
    }
    let request = WireRequest {
        method: Method::POST,
        uri: endpoint.uri(call.base_url)?,
        headers: headers(call.provider, call.api_key, true)?,
        body: body.into(),
    };
    Ok(Exchange { request, dialect })
}
