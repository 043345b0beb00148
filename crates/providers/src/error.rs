//! What went wrong at a provider, in one taxonomy.
//!
//! Providers disagree on status codes: Anthropic reports an empty account as 400, OpenAI as 429. So
//! an error is classified by its body first and its status second. Providers' words are kept, with
//! everything that looks like a key taken out of them ([`redact`]).

mod anthropic;
mod azure;
mod body;
mod deepseek;
mod google;
mod oauth;
mod openai;
mod openrouter;
mod redact;
mod retry_after;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use latchkey_contract::ProviderId;

use crate::reply::Reply;
use body::ErrorBody;

pub(crate) use oauth::no_token;
pub use redact::redact;

/// A call that a provider did not answer as asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct ProviderError {
    /// What it means.
    pub class: ErrorClass,
    /// The HTTP status, when there was one.
    pub http_status: Option<u16>,
    /// The provider's own code or type.
    pub code: Option<String>,
    /// The provider's own words, redacted, at most 500 characters.
    pub message: String,
    /// How long the provider asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// Whether the provider says that another try may help; none when it leaves that to the class.
    pub should_retry: Option<bool>,
    /// The provider's name for the call.
    pub request_id: Option<String>,
}

/// What an error means for the key and for another try.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorClass {
    /// The answer is none that the dialect knows.
    Malformed,
    /// The model is unknown, retired, or off for this account or region.
    ModelUnavailable,
    /// The account has no credit, or has met a limit on its spending.
    NoCredit,
    /// The key is known, but may not do this.
    NoPermission,
    /// The provider is overloaded or broken.
    Overloaded,
    /// The request is wrong: malformed, too large, or against a policy.
    RejectedRequest,
    /// The key is not, or no longer, valid.
    Revoked,
    /// Too many requests or tokens in a time; later they pass.
    Throttled,
    /// The provider gave up waiting for itself.
    Timeout,
    /// The answer broke off.
    Truncated,
    /// None of these.
    Unknown,
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed answer",
            Self::ModelUnavailable => "model unavailable",
            Self::NoCredit => "no credit",
            Self::NoPermission => "no permission",
            Self::Overloaded => "provider overloaded",
            Self::RejectedRequest => "request rejected",
            Self::Revoked => "key rejected",
            Self::Throttled => "throttled",
            Self::Timeout => "provider timed out",
            Self::Truncated => "answer broke off",
            Self::Unknown => "unknown error",
        })
    }
}

/// Reads an error from an answer.
pub fn classify(provider: ProviderId, reply: &Reply<'_>) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    ProviderError {
        retry_after: retry_after::hint(reply.headers, reply.now)
            .or_else(|| retry_after::hint_in(&body.details)),
        should_retry: retry_after::should_retry(reply.headers),
        request_id: request_id(reply.headers).or_else(|| request_id_in(&body)),
        ..build(provider, Some(reply.status), &body, reply.secret)
    }
}

/// Reads an error that came as a stream's event.
pub(crate) fn in_band(provider: ProviderId, data: &str, api_key: &str) -> ProviderError {
    let body = ErrorBody::parse(data.as_bytes());
    if !body.is_error {
        return not_an_answer(None, None, &body, api_key);
    }
    ProviderError {
        retry_after: retry_after::hint_in(&body.details),
        request_id: request_id_in(&body),
        ..build(provider, None, &body, api_key)
    }
}

/// Whether a body says of itself that it is an error.
pub(crate) fn contains_error(body: &[u8]) -> bool {
    ErrorBody::parse(body).is_error
}

/// A successful answer that is not one.
pub(crate) fn malformed(reply: &Reply<'_>) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    let id = request_id(reply.headers).or_else(|| request_id_in(&body));
    not_an_answer(Some(reply.status), id, &body, reply.secret)
}

/// A successful answer that is not the one asked for.
pub(crate) fn mismatched(reply: &Reply<'_>, message: &str) -> ProviderError {
    of_success(reply, ErrorClass::Malformed, message)
}

/// A successful answer that says that there will be none, and why.
pub(crate) fn declined(
    reply: &Reply<'_>,
    class: ErrorClass,
    code: &str,
    message: &str,
) -> ProviderError {
    ProviderError {
        code: (!code.is_empty()).then(|| redact(code, reply.secret)),
        ..of_success(reply, class, message)
    }
}

fn of_success(reply: &Reply<'_>, class: ErrorClass, message: &str) -> ProviderError {
    ProviderError {
        http_status: Some(reply.status.as_u16()),
        request_id: request_id(reply.headers),
        ..ProviderError::new(class, redact(message, reply.secret))
    }
}

impl ProviderError {
    /// The answer's end is missing.
    pub(crate) fn truncated() -> Self {
        Self::new(
            ErrorClass::Truncated,
            "the stream ended before the answer did",
        )
    }

    /// A failure that the provider itself said nothing of.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            http_status: None,
            code: None,
            message: message.into(),
            retry_after: None,
            should_retry: None,
            request_id: None,
        }
    }
}

fn build(
    provider: ProviderId,
    status: Option<StatusCode>,
    body: &ErrorBody,
    api_key: &str,
) -> ProviderError {
    let class = match provider {
        _ if body.failed_answer => ErrorClass::Overloaded,
        ProviderId::Anthropic => anthropic::class(status, body),
        ProviderId::Azure => azure::class(status, body),
        ProviderId::DeepSeek => deepseek::class(status, body),
        ProviderId::Google | ProviderId::Vertex => google::class(status, body),
        ProviderId::OpenRouter => openrouter::class(status, body),
        _ => openai::class(status, body),
    };
    let message = match provider {
        ProviderId::Azure => azure::message(status, body),
        ProviderId::OpenRouter => Cow::Owned(openrouter::message(body)),
        _ => Cow::Borrowed(&*body.message),
    };
    let message = if message.is_empty() {
        no_message(status)
    } else {
        redact(&message, api_key)
    };
    let code = match provider {
        ProviderId::Google | ProviderId::Vertex => google::code(body),
        // Its code repeats the status.
        ProviderId::OpenRouter => openrouter::kind(body).or(body.code.as_deref()),
        _ => body.code.as_deref(),
    };
    let code = match provider {
        ProviderId::Google | ProviderId::Vertex => code,
        _ => code.or(body.kind.as_deref()),
    };
    ProviderError {
        class,
        http_status: status.map(|status| status.as_u16()),
        code: code.map(|code| redact(code, api_key)),
        message,
        retry_after: None,
        should_retry: None,
        request_id: None,
    }
}

fn not_an_answer(
    status: Option<StatusCode>,
    request_id: Option<String>,
    body: &ErrorBody,
    api_key: &str,
) -> ProviderError {
    let message = if body.message.is_empty() {
        "not an answer".to_owned()
    } else {
        format!("not an answer: {}", redact(&body.message, api_key))
    };
    ProviderError {
        http_status: status.map(|status| status.as_u16()),
        request_id,
        ..ProviderError::new(ErrorClass::Malformed, message)
    }
}

fn no_message(status: Option<StatusCode>) -> String {
    match status {
        Some(status) => format!("HTTP status {status}, without words"),
        None => "an error without words".to_owned(),
    }
}

/// The class that a status has when the body tells nothing.
fn class_of_status(status: Option<StatusCode>) -> ErrorClass {
    match status.map_or(0, |status| status.as_u16()) {
        401 => ErrorClass::Revoked,
        402 => ErrorClass::NoCredit,
        403 => ErrorClass::NoPermission,
        404 => ErrorClass::ModelUnavailable,
        // 524: a proxy's own time limit, at Cloudflare.
        408 | 504 | 524 => ErrorClass::Timeout,
        429 => ErrorClass::Throttled,
        400..500 => ErrorClass::RejectedRequest,
        500.. => ErrorClass::Overloaded,
        _ => ErrorClass::Unknown,
    }
}

/// The provider's name for a call, from the head of its answer: what its support desk asks for.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let header = |name| headers.get(name)?.to_str().ok();
    let id = [
        "request-id",
        // Azure has an `x-request-id` beside it.
        "apim-request-id",
        "x-request-id",
        "x-generation-id",
        "x-ds-trace-id",
    ]
    .into_iter()
    .find_map(header)?;
    Some(id.chars().take(MAX_REQUEST_ID).collect())
}

fn request_id_in(body: &ErrorBody) -> Option<String> {
    Some(
        body.request_id
            .as_deref()?
            .chars()
            .take(MAX_REQUEST_ID)
            .collect(),
    )
}

/// Characters of a request id; providers' have about 40.
const MAX_REQUEST_ID: usize = 128;

#[cfg(test)]
mod tests;
