//! What token endpoints refuse (RFC 6749, 5.2), at Google and at Microsoft Entra.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, ProviderError, class_of_status, no_message, redact, retry_after};
use crate::reply::Reply;

/// Reads an error of a token endpoint. `secret` is taken out of its words.
pub(crate) fn no_token(reply: &Reply<'_>, secret: &str) -> ProviderError {
    let body = ErrorBody::parse(reply.body);
    let message = if body.message.is_empty() {
        no_message(Some(reply.status))
    } else {
        redact(&body.message, secret)
    };
    ProviderError {
        http_status: Some(reply.status.as_u16()),
        code: body.code.as_deref().map(|code| redact(code, secret)),
        retry_after: retry_after::hint(reply.headers, reply.now),
        ..ProviderError::new(class(reply.status, &body), message)
    }
}

fn class(status: StatusCode, body: &ErrorBody) -> ErrorClass {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return class_of_status(Some(status));
    }
    match body.code.as_deref() {
        // The fault is our own clock's. It says nothing about the key, and passes.
        Some("invalid_grant") if body.message.contains(OUR_CLOCK) => ErrorClass::Unknown,
        // The account, the application or its secret is gone, off or expired.
        Some(
            "deleted_client"
            | "disabled_client"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client",
        ) => ErrorClass::Revoked,
        Some("invalid_request") if body.message.contains(NO_SUCH_TENANT) => ErrorClass::Revoked,
        Some("access_denied" | "interaction_required" | "invalid_resource") => {
            ErrorClass::NoPermission
        }
        Some("invalid_request" | "invalid_scope" | "unsupported_grant_type") => {
            ErrorClass::RejectedRequest
        }
        Some("server_error" | "temporarily_unavailable") => ErrorClass::Overloaded,
        // Whoever this is, it is no token endpoint, so the key is not to blame.
        _ => ErrorClass::Unknown,
    }
}

/// Google's words when the assertion's times are not of now.
const OUR_CLOCK: &str = "reasonable timeframe";

/// Microsoft's code for a directory that is not there.
const NO_SUCH_TENANT: &str = "AADSTS90002";
