//! Anthropic's errors.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, class_of_status};

/// Classifies by the error's details, then its type, its message and its status.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    if body.code.as_deref().is_some_and(is_billing) {
        return ErrorClass::NoCredit;
    }
    match body.kind.as_deref() {
        Some("authentication_error") => ErrorClass::Revoked,
        Some("billing_error") => ErrorClass::NoCredit,
        Some("permission_error") => ErrorClass::NoPermission,
        Some("not_found_error") => ErrorClass::ModelUnavailable,
        Some("rate_limit_error") => ErrorClass::Throttled,
        Some("api_error" | "overloaded_error") => ErrorClass::Overloaded,
        Some("timeout_error") => ErrorClass::Timeout,
        Some("invalid_request_error") if body.message.contains(NO_CREDIT) => ErrorClass::NoCredit,
        Some("invalid_request_error" | "request_too_large") => ErrorClass::RejectedRequest,
        _ => class_of_status(status),
    }
}

/// Matches `enforced_spend_limit_reached`, `contract_spend_limit_reached`,
/// `linked_organization_billing_unavailable` and similar codes.
fn is_billing(code: &str) -> bool {
    code.ends_with("spend_limit_reached") || code.contains("billing")
}

/// The message of a 400 with a general type: only the message shows that the account is empty.
const NO_CREDIT: &str = "credit balance is too low";
