//! Google's errors (`google.rpc.Status`), and Anthropic's where Vertex AI serves its models.

use http::StatusCode;
use serde_json::Value;

use super::body::ErrorBody;
use super::{ErrorClass, anthropic, class_of_status};

/// Classifies by the exceeded quota, then the reason in the details, the message, the symbolic
/// status and the HTTP status.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    // Google's errors have no type. An error with one comes from Anthropic's model at Vertex AI.
    if body.kind.is_some() {
        return anthropic::class(status, body);
    }
    if is_free_quota_used_up(body) {
        return ErrorClass::NoCredit;
    }
    reason(body)
        .and_then(class_of_reason)
        .or_else(|| class_of_message(&body.message))
        .or_else(|| body.status.as_deref().and_then(class_of_name))
        .unwrap_or_else(|| class_of_status(status.or_else(|| number(body))))
}

/// The code of an error: its reason, else its symbolic status, else its number.
pub(super) fn code(body: &ErrorBody) -> Option<&str> {
    reason(body)
        .or(body.kind.as_deref())
        .or(body.status.as_deref())
        .or(body.code.as_deref())
}

/// The `reason` of `google.rpc.ErrorInfo`.
fn reason(body: &ErrorBody) -> Option<&str> {
    detail(body, "ErrorInfo")?.get("reason")?.as_str()
}

/// Classifies a `google.api.ErrorReason`, common to all of Google's APIs.
fn class_of_reason(reason: &str) -> Option<ErrorClass> {
    Some(match reason {
        "ACCESS_TOKEN_EXPIRED"
        | "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        | "ACCOUNT_STATE_INVALID"
        | "API_KEY_INVALID"
        | "CONSUMER_SUSPENDED"
        | "CREDENTIALS_MISSING" => ErrorClass::Revoked,
        "BILLING_DISABLED" => ErrorClass::NoCredit,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        | "API_KEY_ANDROID_APP_BLOCKED"
        | "API_KEY_HTTP_REFERRER_BLOCKED"
        | "API_KEY_IOS_APP_BLOCKED"
        | "API_KEY_IP_ADDRESS_BLOCKED"
        | "API_KEY_SERVICE_BLOCKED"
        | "CONSUMER_INVALID"
        | "IAM_PERMISSION_DENIED"
        | "ORG_RESTRICTION_VIOLATION"
        | "SECURITY_POLICY_VIOLATED"
        | "SERVICE_DISABLED"
        | "USER_PROJECT_DENIED" => ErrorClass::NoPermission,
        "LOCATION_ORG_POLICY_VIOLATED" | "LOCATION_POLICY_VIOLATED" => ErrorClass::ModelUnavailable,
        "RATE_LIMIT_EXCEEDED" => ErrorClass::Throttled,
        _ => return None,
    })
}

/// Classifies errors that differ from others of their status by the message only.
fn class_of_message(message: &str) -> Option<ErrorClass> {
    let known = KNOWN_MESSAGES
        .iter()
        .find(|(message_part, _)| message.contains(message_part))?;
    Some(known.1)
}

/// Classifies a `google.rpc.Code`.
fn class_of_name(name: &str) -> Option<ErrorClass> {
    Some(match name {
        "UNAUTHENTICATED" => ErrorClass::Revoked,
        "PERMISSION_DENIED" => ErrorClass::NoPermission,
        "NOT_FOUND" => ErrorClass::ModelUnavailable,
        "RESOURCE_EXHAUSTED" => ErrorClass::Throttled,
        "ALREADY_EXISTS"
        | "FAILED_PRECONDITION"
        | "INVALID_ARGUMENT"
        | "OUT_OF_RANGE"
        | "UNIMPLEMENTED" => ErrorClass::RejectedRequest,
        "ABORTED" | "DATA_LOSS" | "INTERNAL" | "UNAVAILABLE" | "UNKNOWN" => ErrorClass::Overloaded,
        "CANCELLED" | "DEADLINE_EXCEEDED" => ErrorClass::Timeout,
        _ => return None,
    })
}

/// The status in the body. Errors in a stream have no other.
fn number(body: &ErrorBody) -> Option<StatusCode> {
    StatusCode::from_bytes(body.code.as_deref()?.as_bytes()).ok()
}

/// Whether the daily quota of the free tier is used up. Other quotas are per minute or depend on
/// billing.
fn is_free_quota_used_up(body: &ErrorBody) -> bool {
    detail(body, "QuotaFailure")
        .and_then(|failure| failure.get("violations")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|violation| violation.get("quotaId")?.as_str())
        .any(|quota| quota.contains("PerDay") && quota.contains("FreeTier"))
}

/// Finds the `google.rpc` detail of a type.
fn detail<'a>(body: &'a ErrorBody, name: &str) -> Option<&'a Value> {
    super::body::detail(&body.details, name)
}

/// Parts of messages observed in Google's responses. They are the same for every customer.
const KNOWN_MESSAGES: [(&str, ErrorClass); 4] = [
    // Reported as PERMISSION_DENIED, but the key will never work again.
    ("API key was reported as leaked", ErrorClass::Revoked),
    // Reported as RESOURCE_EXHAUSTED, but waiting does not help.
    ("prepayment credits are depleted", ErrorClass::NoCredit),
    // Reported as FAILED_PRECONDITION, but other requests fail in the same way.
    ("location is not supported", ErrorClass::ModelUnavailable),
    (
        "is not allowed to use Publisher Model",
        ErrorClass::ModelUnavailable,
    ),
];

#[cfg(test)]
mod tests;
