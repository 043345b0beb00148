//! Errors of token endpoints (RFC 6749, 5.2) of Google and Microsoft Entra.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, ProviderError, class_of_status, default_message, redact, retry_after};
use crate::reply::Reply;

/// Classifies an error of a token endpoint. `secret` is redacted from its message.
pub(crate) fn token_error(reply: &Reply<'_>, secret: &str) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    let message = if body.message.is_empty() {
        default_message(Some(reply.status))
    } else {
        redact(&body.message, secret)
    };
    ProviderError {
        http_status: Some(reply.status.as_u16()),
        code: body.code.as_deref().map(|code| redact(code, secret)),
        retry_after: retry_after::from_headers(reply.headers, reply.now),
        ..ProviderError::new(class(reply.status, &body), message)
    }
}

fn class(status: StatusCode, body: &ErrorBody) -> ErrorClass {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return class_of_status(Some(status));
    }
    match body.code.as_deref() {
        // Our own clock is wrong. The key is not at fault, and the error is temporary.
        Some("invalid_grant") if body.message.contains(CLOCK_SKEW) => ErrorClass::Unknown,
        // The account, the application or its secret was deleted, disabled, or has expired.
        Some(
            "deleted_client"
            | "disabled_client"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client",
        ) => ErrorClass::Revoked,
        Some("invalid_request") if body.message.contains(UNKNOWN_TENANT) => ErrorClass::Revoked,
        Some("access_denied" | "interaction_required" | "invalid_resource") => {
            ErrorClass::NoPermission
        }
        Some("invalid_request" | "invalid_scope" | "unsupported_grant_type") => {
            ErrorClass::RejectedRequest
        }
        Some("server_error" | "temporarily_unavailable") => ErrorClass::Overloaded,
        // The response does not come from a token endpoint, so it says nothing about the key.
        _ => ErrorClass::Unknown,
    }
}

/// Part of Google's message for an assertion whose times are not current.
const CLOCK_SKEW: &str = "reasonable timeframe";

/// Microsoft's code for an unknown directory.
const UNKNOWN_TENANT: &str = "AADSTS90002";
