use std::time::Duration;

use http::HeaderMap;
use latchkey_contract::ProviderId;

use super::super::{ProviderError, classify, in_band};
use super::*;
use crate::reply::Reply;

const KEY: &str = "not-a-real-key-0123456789";

fn classified(provider: ProviderId, status: u16, body: &str) -> ProviderError {
    let (headers, status) = (HeaderMap::new(), StatusCode::from_u16(status).unwrap());
    classify(
        provider,
        &Reply::undated(status, &headers, body.as_bytes(), KEY),
    )
}

fn anthropic(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
}

fn google(code: u16, status: &str, message: &str, details: &str) -> String {
    format!(
        r#"{{"error":{{"code":{code},"message":"{message}","status":"{status}","details":[{details}]}}}}"#
    )
}

fn info(reason: &str) -> String {
    format!(
        r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}","domain":"googleapis.com"}}"#
    )
}

fn quota(id: &str) -> String {
    format!(
        r#"{{"@type":"type.googleapis.com/google.rpc.Help"}},{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaMetric":"x"}},{{"quotaId":"{id}"}}]}}"#
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn googles_errors_are_classified_by_body() {
    use ErrorClass as E;
    for (code, status, message, details, class, shown) in [
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            info("API_KEY_INVALID"),
            E::Revoked,
            "API_KEY_INVALID",
        ),
        (
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
            info("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            E::Revoked,
            "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        ),
        (
            401,
            "UNAUTHENTICATED",
            "Expired",
            String::new(),
            E::Revoked,
            "UNAUTHENTICATED",
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Your API key was reported as leaked. Please use another API key.",
            String::new(),
            E::Revoked,
            "PERMISSION_DENIED",
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Off",
            info("SERVICE_DISABLED"),
            E::NoPermission,
            "SERVICE_DISABLED",
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Permission 'aiplatform.endpoints.predict' denied",
            info("IAM_PERMISSION_DENIED"),
            E::NoPermission,
            "IAM_PERMISSION_DENIED",
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Unpaid",
            info("BILLING_DISABLED"),
            E::NoCredit,
            "BILLING_DISABLED",
        ),
        (
            403,
            "PERMISSION_DENIED",
            "The caller does not have permission",
            String::new(),
            E::NoPermission,
            "PERMISSION_DENIED",
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            String::new(),
            E::ModelUnavailable,
            "FAILED_PRECONDITION",
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "Project `1` is not allowed to use Publisher Model `x`",
            String::new(),
            E::ModelUnavailable,
            "FAILED_PRECONDITION",
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "Not in this state",
            String::new(),
            E::RejectedRequest,
            "FAILED_PRECONDITION",
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "Function call is missing a thought_signature",
            String::new(),
            E::RejectedRequest,
            "INVALID_ARGUMENT",
        ),
        (
            404,
            "NOT_FOUND",
            "models/x is not found",
            String::new(),
            E::ModelUnavailable,
            "NOT_FOUND",
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Resource exhausted, please try again later",
            String::new(),
            E::Throttled,
            "RESOURCE_EXHAUSTED",
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Quota",
            quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
            E::Throttled,
            "RESOURCE_EXHAUSTED",
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Quota",
            quota("GenerateRequestsPerDayPerProjectPerModel"),
            E::Throttled,
            "RESOURCE_EXHAUSTED",
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Quota",
            quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
            E::NoCredit,
            "RESOURCE_EXHAUSTED",
        ),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "Your prepayment credits are depleted. Please go to AI Studio",
            String::new(),
            E::NoCredit,
            "RESOURCE_EXHAUSTED",
        ),
        (
            500,
            "INTERNAL",
            "Oops",
            String::new(),
            E::Overloaded,
            "INTERNAL",
        ),
        (
            503,
            "UNAVAILABLE",
            "Overloaded",
            String::new(),
            E::Overloaded,
            "UNAVAILABLE",
        ),
        (
            504,
            "DEADLINE_EXCEEDED",
            "Late",
            String::new(),
            E::Timeout,
            "DEADLINE_EXCEEDED",
        ),
        (
            418,
            "BRAND_NEW",
            "Tea",
            info("BRAND_NEW_REASON"),
            E::RejectedRequest,
            "BRAND_NEW_REASON",
        ),
    ] {
        let body = google(code, status, message, &details);
        for provider in [ProviderId::Google, ProviderId::Vertex] {
            for body in [body.clone(), format!("[{body}\n]")] {
                let error = classified(provider, code, &body);
                assert_eq!(error.class, class, "{body}");
                assert_eq!(error.code.as_deref(), Some(shown));
                assert_eq!(error.message, message);
            }
            // In a stream the body has the only status.
            let error = in_band(provider, &body, KEY);
            assert_eq!(error.class, class, "{body}");
        }
    }
    let unnamed = r#"{"error":{"code":503,"message":"Overloaded"}}"#;
    let error = in_band(ProviderId::Google, unnamed, KEY);
    assert_eq!(
        (error.class, error.code.as_deref()),
        (E::Overloaded, Some("503"))
    );
}

#[test]
fn errors_of_anthropics_models_at_vertex_are_read_in_either_envelope() {
    use ErrorClass as E;
    for (status, body, class, code) in [
        (
            529,
            anthropic("overloaded_error", "Overloaded"),
            E::Overloaded,
            "overloaded_error",
        ),
        (
            400,
            anthropic("invalid_request_error", "max_tokens: Field required"),
            E::RejectedRequest,
            "invalid_request_error",
        ),
        (
            429,
            google(429, "RESOURCE_EXHAUSTED", "Quota exceeded", ""),
            E::Throttled,
            "RESOURCE_EXHAUSTED",
        ),
    ] {
        let error = classified(ProviderId::Vertex, status, &body);
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)));
    }
}

#[test]
fn googles_retry_hint_is_read_from_the_body() {
    let hint = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"38.5s"}"#;
    let body = google(429, "RESOURCE_EXHAUSTED", "Quota", hint);
    let wait = Some(Duration::from_millis(38_500));
    assert_eq!(classified(ProviderId::Google, 429, &body).retry_after, wait);
    assert_eq!(in_band(ProviderId::Vertex, &body, KEY).retry_after, wait);
}
