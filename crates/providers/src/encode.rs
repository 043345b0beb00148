//! From a neutral request to the bytes and headers of an HTTP request.
//!
//! What a provider or a model cannot do is refused with the field's name, and never dropped. Two
//! things are left behind by design: a provider's state in a part goes to that provider alone, and
//! reasoning without such state goes to nobody. [`Exchange::portability`] lists them.

mod endpoint;
mod error;
mod options;
mod pictures;
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
pub(crate) use endpoint::{Endpoint, JSON, USER_AGENT, below, headers};
pub(crate) use error::{part_field, refuse};
pub(crate) use options::OptionValue;
pub(crate) use sampling::{AllowedSampling, Reasoning, SamplingSupport, reasoning, sampling};
pub(crate) use text::LongText;
pub(crate) use tools::{
    AnswerFormat, Choice, NO_ARGUMENTS, answer_format, choice, parallel, schema_name,
    tool_arguments, tool_schema,
};
pub(crate) use write::{Base64, DataUrl, Locator, detail, write, write_sized};

/// A request for generation and everything it depends on. It holds a key and has no `Debug`.
pub struct Call<'a> {
    /// Whom to ask, where and as whom.
    pub target: Target<'a>,
    /// Which model, as the provider names it; at Azure, the deployment.
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
    /// What of the conversation the request leaves behind.
    pub portability: Vec<Loss>,
    /// What else is left behind if the answer names its id as unused
    /// ([`Answer::unused_reasoning`](crate::decode::Answer::unused_reasoning)).
    pub sent_reasoning: Vec<(String, Loss)>,
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

/// Writes the body of a request that is checked and gets the provider's options. Of `write`'s pair
/// the second names the fields that options may not set.
pub(crate) fn body<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
) -> Result<Vec<u8>, EncodeError> {
    written(call, write, None)
}

/// As [`body`], for another endpoint than the one that the provider's options are for: of those, only
/// `known` go along.
pub(crate) fn body_beside<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
    known: &[&str],
) -> Result<Vec<u8>, EncodeError> {
    written(call, write, Some(known))
}

fn written<'a>(
    call: &Call<'a>,
    write: impl FnOnce(&Call<'a>) -> Result<(Vec<u8>, Reserved), EncodeError>,
    known: Option<&[&str]>,
) -> Result<Vec<u8>, EncodeError> {
    check_model(call.model)?;
    rules::check(call.request)?;
    pictures::check(call.dialect(), &call.request.messages)?;
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
            known,
        };
        options::append(&mut body, options, rules)?;
    }
    Ok(body)
}

/// A body with the provider's options, which may not set the reserved fields.
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

/// Fields of a provider's request that would change how the answer must be read.
pub(crate) type Reserved = &'static [&'static str];

impl Call<'_> {
    /// The dialect that the model is spoken to in.
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

/// A request with a JSON body.
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

/// A request without a body.
pub(crate) fn get(target: &Target<'_>, endpoint: Endpoint<'_>) -> Result<WireRequest, EncodeError> {
    Ok(WireRequest {
        method: Method::GET,
        uri: endpoint.uri(target)?,
        headers: headers(target, false)?,
        body: Bytes::new(),
    })
}
