//! Errors of providers, in one taxonomy.
//!
//! Providers disagree on status codes: Anthropic reports an empty account as 400, OpenAI as 429. An
//! error is therefore classified by its body first and by its status second. The provider's message
//! is kept, and everything that looks like a key is redacted from it ([`redact()`]).

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

pub(crate) use oauth::token_error;
pub use redact::redact;

/// A provider call that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct ProviderError {
    /// What the error means for the key and for a retry.
    pub class: ErrorClass,
    /// The HTTP status. None for an error within a stream.
    pub http_status: Option<u16>,
    /// The provider's code or type of the error.
    pub code: Option<String>,
    /// The provider's message, redacted, at most 500 characters.
    pub message: String,
    /// The minimum wait before a retry, by the provider's hint.
    pub retry_after: Option<Duration>,
    /// Whether a retry may succeed, by the provider's hint. None leaves it to the class.
    pub should_retry: Option<bool>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

/// What an error means for the key and for a retry.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorClass {
    /// The answer does not follow the dialect.
    Malformed,
    /// The model is unknown, retired, or disabled for this account or region.
    ModelUnavailable,
    /// The account has no credit or has reached a spending limit.
    NoCredit,
    /// The key is valid but lacks permission.
    NoPermission,
    /// The provider is overloaded or failed.
    Overloaded,
    /// The request is malformed, too large, or against a policy.
    RejectedRequest,
    /// The key is invalid or was revoked.
    Revoked,
    /// A rate limit on requests or tokens. A later retry may succeed.
    Throttled,
    /// The provider timed out.
    Timeout,
    /// The answer ended early.
    Truncated,
    /// An error of no known class.
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
            Self::Truncated => "answer ended early",
            Self::Unknown => "unknown error",
        })
    }
}

/// Classifies an error response.
pub fn classify(provider: ProviderId, reply: &Reply<'_>) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    ProviderError {
        retry_after: retry_after::from_headers(reply.headers, reply.now)
            .or_else(|| retry_after::from_details(&body.details)),
        should_retry: retry_after::should_retry(reply.headers),
        request_id: request_id_of(reply, &body),
        ..build(provider, Some(reply.status), &body, reply.secret)
    }
}

/// Classifies an error that is an event of a stream.
pub(crate) fn in_band(provider: ProviderId, data: &str, api_key: &str) -> ProviderError {
    let body = ErrorBody::parse(data.as_bytes());
    if !body.is_error {
        return not_an_answer(None, None, &body, api_key);
    }
    ProviderError {
        retry_after: retry_after::from_details(&body.details),
        request_id: request_id_in(&body, api_key),
        ..build(provider, None, &body, api_key)
    }
}

/// Whether a body is an error by its own content.
pub(crate) fn contains_error(body: &[u8]) -> bool {
    ErrorBody::parse(body).is_error
}

/// The error for a successful response that cannot be decoded.
pub(crate) fn malformed(reply: &Reply<'_>) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    let id = request_id_of(reply, &body);
    not_an_answer(Some(reply.status), id, &body, reply.secret)
}

/// The error for a successful answer that does not match the request.
pub(crate) fn mismatched(reply: &Reply<'_>, message: &str) -> ProviderError {
    of_success(reply, ErrorClass::Malformed, message)
}

/// The error for a successful response in which the provider declines to answer.
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
        request_id: request_id(reply.headers, reply.secret),
        ..ProviderError::new(class, redact(message, reply.secret))
    }
}

impl ProviderError {
    /// The error for a stream that was cut.
    pub(crate) fn truncated() -> Self {
        Self::new(
            ErrorClass::Truncated,
            "the stream ended before the answer did",
        )
    }

    /// An error without data from a provider's response.
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
    let text = match provider {
        ProviderId::Azure => azure::message(status, body),
        ProviderId::OpenRouter => Cow::Owned(openrouter::message(body)),
        _ => Cow::Borrowed(&*body.message),
    };
    let message = if text.is_empty() {
        default_message(status)
    } else {
        redact(&text, api_key)
    };
    let code_or_kind = || body.code.as_deref().or(body.kind.as_deref());
    let code = match provider {
        ProviderId::Google | ProviderId::Vertex => google::code(body),
        // OpenRouter's `code` repeats the HTTP status.
        ProviderId::OpenRouter => openrouter::kind(body).or_else(code_or_kind),
        _ => code_or_kind(),
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
        "the response is not an answer".to_owned()
    } else {
        format!(
            "the response is not an answer: {}",
            redact(&body.message, api_key)
        )
    };
    ProviderError {
        http_status: status.map(|status| status.as_u16()),
        request_id,
        ..ProviderError::new(ErrorClass::Malformed, message)
    }
}

fn default_message(status: Option<StatusCode>) -> String {
    match status {
        Some(status) => format!("HTTP status {status}, without a message"),
        None => "an error without a message".to_owned(),
    }
}

/// The class of an error by its status alone.
fn class_of_status(status: Option<StatusCode>) -> ErrorClass {
    match status.map_or(0, |status| status.as_u16()) {
        401 => ErrorClass::Revoked,
        402 => ErrorClass::NoCredit,
        403 => ErrorClass::NoPermission,
        404 => ErrorClass::ModelUnavailable,
        // 524: Cloudflare's proxy timed out.
        408 | 504 | 524 => ErrorClass::Timeout,
        429 => ErrorClass::Throttled,
        400..500 => ErrorClass::RejectedRequest,
        500.. => ErrorClass::Overloaded,
        _ => ErrorClass::Unknown,
    }
}

/// The provider's id of a request, from the response headers, without the secret of the call. Support
/// desks ask for it.
pub fn request_id(headers: &HeaderMap, secret: &str) -> Option<String> {
    let header = |name| headers.get(name)?.to_str().ok();
    let id = [
        "request-id",
        // Azure sends `x-request-id` as well; its own id takes precedence.
        "apim-request-id",
        "x-request-id",
        "x-generation-id",
        "x-ds-trace-id",
    ]
    .into_iter()
    .find_map(header)?;
    Some(bounded_id(id, secret))
}

fn request_id_in(body: &ErrorBody, secret: &str) -> Option<String> {
    Some(bounded_id(body.request_id.as_deref()?, secret))
}

fn request_id_of(reply: &Reply<'_>, body: &ErrorBody) -> Option<String> {
    request_id(reply.headers, reply.secret).or_else(|| request_id_in(body, reply.secret))
}

/// An endpoint may repeat the key as an id.
fn bounded_id(id: &str, secret: &str) -> String {
    redact(id, secret).chars().take(MAX_REQUEST_ID).collect()
}

/// Characters of a request id. Real ids have about 40.
const MAX_REQUEST_ID: usize = 128;

#[cfg(test)]
mod tests;
