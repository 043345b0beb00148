//! OpenAI's errors, and those of compatible servers.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, class_of_status};

/// Classifies by the error's code, then its type and its status.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    let code = body.code.as_deref().and_then(class_of_code);
    let kind = || body.kind.as_deref().and_then(class_of_kind);
    let by_status = || match class_of_status(status) {
        // In a stream, or in a response with a successful status.
        ErrorClass::Unknown if body.kind.as_deref() == Some("invalid_request_error") => {
            ErrorClass::RejectedRequest
        }
        class => class,
    };
    code.or_else(kind).unwrap_or_else(by_status)
}

fn class_of_code(code: &str) -> Option<ErrorClass> {
    Some(match code {
        "account_deactivated" | "invalid_api_key" => ErrorClass::Revoked,
        "billing_hard_limit_reached"
        | "billing_not_active"
        | "credit_balance_exhausted"
        | "insufficient_quota"
        | "organization_usage_limit_exceeded" => ErrorClass::NoCredit,
        _ if code.ends_with("_spend_limit_exceeded") => ErrorClass::NoCredit,
        "model_not_found" | "unsupported_country_region_territory" => ErrorClass::ModelUnavailable,
        "rate_limit_exceeded" | "slow_down" => ErrorClass::Throttled,
        "server_error" => ErrorClass::Overloaded,
        "vector_store_timeout" => ErrorClass::Timeout,
        "bio_policy"
        | "content_policy_violation"
        | "context_length_exceeded"
        | "data_residency_mismatch"
        | "empty_image_file"
        | "failed_to_download_image"
        | "image_content_policy_violation"
        | "image_file_not_found"
        | "image_file_too_large"
        | "image_parse_error"
        | "image_too_large"
        | "image_too_small"
        | "invalid_base64_image"
        | "invalid_image"
        | "invalid_image_format"
        | "invalid_image_mode"
        | "invalid_image_url"
        | "invalid_prompt"
        | "misalignment_policy_violation"
        | "moderation_blocked"
        | "unsupported_image_media_type" => ErrorClass::RejectedRequest,
        _ => return class_of_number(code),
    })
}

/// Classifies a numeric code: compatible servers use the HTTP status as the code.
fn class_of_number(code: &str) -> Option<ErrorClass> {
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    let is_error = status.is_client_error() || status.is_server_error();
    is_error.then(|| class_of_status(Some(status)))
}

/// Classifies a type. Types are coarse: `invalid_request_error` is also used for an invalid key, so
/// the status decides where there is one.
fn class_of_kind(kind: &str) -> Option<ErrorClass> {
    Some(match kind {
        "authentication_error" => ErrorClass::Revoked,
        "insufficient_quota" => ErrorClass::NoCredit,
        "overloaded_error" | "server_error" => ErrorClass::Overloaded,
        "rate_limit_error" => ErrorClass::Throttled,
        _ => return None,
    })
}
