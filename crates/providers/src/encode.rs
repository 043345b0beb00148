//! Writes a neutral request as an HTTP request to a provider.
//!
//! A field that the provider or the model does not support is refused by name, never dropped. Two
//! exceptions are by design: the provider state of a part is sent to that provider only, and
//! reasoning without such state is not sent at all. [`Exchange::portability`] lists both.

mod endpoint;
mod error;
mod generated_images;
mod options;
mod portability;
mod rules;
mod sampling;
mod text;
mod tools;
mod write;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use latchkey_contract::router::v1::{GenerateRequest, Loss};
use prost_types::Struct;

pub use error::{EncodeError, EncodeErrorKind};

use crate::catalogue::ModelTraits;
use crate::openai_chat::Flavour;
use crate::{Api, Dialect, Target, anthropic, generate_content, openai_chat, openai_responses};
pub(crate) use endpoint::{Endpoint, JSON, USER_AGENT, headers, join};
pub(crate) use error::{part_field, refuse};
pub(crate) use options::OptionValue;
pub(crate) use sampling::{AllowedSampling, Reasoning, SamplingSupport, reasoning, sampling};
pub(crate) use text::LongText;
pub(crate) use tools::{
    AnswerFormat, Choice, NO_ARGUMENTS, answer_format, choice, parallel, schema_name,
    tool_arguments, tool_schema,
};
pub(crate) use write::{Base64, DataUrl, Locator, detail, write, write_sized};

/// A generation request and everything that encoding it depends on. It holds a key, so it has no
/// `Debug`.
pub struct Call<'a> {
    /// The provider, its address and the credential.
    pub target: Target<'a>,
    /// The provider's name of the model. At Azure, the name of the deployment.
    pub model: &'a str,
    /// The model's traits ([`crate::catalogue::Catalogue::traits`]).
    pub traits: &'a ModelTraits,
    /// The neutral request.
    pub request: &'a GenerateRequest,
    /// Whether the answer is streamed.
    pub stream: bool,
}

/// An encoded request and how to decode its answer.
pub struct Exchange {
    /// The HTTP request to send.
    pub request: WireRequest,
    /// The dialect that the answer is decoded in.
    pub dialect: Dialect,
    /// Parts of the conversation that the request does not carry.
    pub portability: Vec<Loss>,
    /// Reasoning that the request carries, by its id. Each is a loss as well if the answer lists
    /// the id as unused ([`Answer::unused_reasoning`](crate::decode::Answer::unused_reasoning)).
    pub sent_reasoning: Vec<(String, Loss)>,
}

/// An HTTP request. It carries a credential, so it has no `Debug`.
pub struct WireRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL. It never holds the credential.
    pub uri: Uri,
    /// The headers. At most one of them carries the credential; it is marked sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Encodes a generation request in the model's dialect.
pub fn generate(call: &Call<'_>) -> Result<Exchange, EncodeError> {
    let dialect = call.dialect();
    let body = match dialect.api() {
        Api::ChatCompletions => body(call, openai_chat::encode),
        Api::GenerateContent => body(call, generate_content::encode),
        Api::Messages => body(call, anthropic::encode),
        Api::Responses => body(call, openai_responses::encode),
    }?;
    let endpoint = Endpoint::Generate {
        api: dialect.api(),
        model: call.model,
        stream: call.stream,
    };
    Ok(Exchange {
        request: post(&call.target, endpoint, body)?,
        dialect,
        portability: portability::losses(dialect, &call.request.messages),
        sent_reasoning: portability::sent_reasoning(dialect, &call.request.messages),
    })
}

/// Checks the request, writes its body, and adds the provider options. `write` returns the body and
/// the names of the fields that options must not set.
pub(crate) fn body<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
) -> Result<Vec<u8>, EncodeError> {
    checked_body(call, write, None)
}

/// Like [`body`], for an endpoint other than generation. Only the options named in `known_options`
/// are added; the caller wrote the others for generation.
pub(crate) fn body_with_known_options<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
    known_options: &[&str],
) -> Result<Vec<u8>, EncodeError> {
    checked_body(call, write, Some(known_options))
}

fn checked_body<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
    known_options: Option<&[&str]>,
) -> Result<Vec<u8>, EncodeError> {
    check_model(call.model)?;
    rules::check(call.request)?;
    generated_images::check(call.dialect(), &call.request.messages)?;
    let (mut body, reserved) = write(call)?;
    if let Some(options) = &call.request.provider_options {
        let dialect = call.dialect();
        let merged = match dialect.api() {
            Api::ChatCompletions => Flavour::of(dialect.provider()).merged_options(),
            Api::GenerateContent | Api::Messages | Api::Responses => &[],
        };
        let rules = options::Rules {
            reserved,
            merged,
            known: known_options,
        };
        options::append(&mut body, options, rules)?;
    }
    Ok(body)
}

/// Adds the provider options to a body. They must not set a field in `reserved`.
pub(crate) fn with_options(
    mut body: Vec<u8>,
    options: Option<&Struct>,
    reserved: Reserved,
) -> Result<Vec<u8>, EncodeError> {
    if let Some(options) = options {
        let rules = options::Rules {
            reserved,
            ..options::Rules::default()
        };
        options::append(&mut body, options, rules)?;
    }
    Ok(body)
}

/// Fields that provider options must not set, because they change how the answer must be read.
pub(crate) type Reserved = &'static [&'static str];

impl Call<'_> {
    /// The dialect of the model's provider and traits.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect::new(self.target.provider, self.traits)
    }
}

pub(crate) fn check_model(model: &str) -> Result<(), EncodeError> {
    if model.is_empty() {
        return refuse("model", EncodeErrorKind::Invalid, "is required");
    }
    Ok(())
}

/// Builds a request with a JSON body.
pub(crate) fn post(
    target: &Target<'_>,
    endpoint: Endpoint<'_>,
    body: Vec<u8>,
) -> Result<WireRequest, EncodeError> {
    Ok(WireRequest {
        method: Method::POST,
        uri: endpoint.uri(target)?,
        headers: headers(target, true)?,
        body: body.into(),
    })
}

/// Builds a request without a body.
pub(crate) fn get(target: &Target<'_>, endpoint: Endpoint<'_>) -> Result<WireRequest, EncodeError> {
    Ok(WireRequest {
        method: Method::GET,
        uri: endpoint.uri(target)?,
        headers: headers(target, false)?,
        body: Bytes::new(),
    })
}
