//! OpenRouter's errors. Most of them wrap an error of an upstream.

use http::StatusCode;
use serde_json::{Map, Value};

use super::body::ErrorBody;
use super::{ErrorClass, openai};

/// Classifies by OpenRouter's error type, then by its code, which is an HTTP status.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    let class = match kind(body).and_then(class_of_kind) {
        Some(class) => class,
        None if is_moderation(body) => ErrorClass::RejectedRequest,
        None if body.message.contains(UNKNOWN_MODEL) => ErrorClass::ModelUnavailable,
        None => openai::class(status, body),
    };
    match class {
        // The owner of the key has set a limit on it.
        ErrorClass::NoPermission if body.message.contains(LIMIT) => ErrorClass::NoCredit,
        // The upstream refused OpenRouter's key for it, or the customer's key stored at OpenRouter.
        // The key of this call is not at fault.
        ErrorClass::Revoked if upstream(body).is_some() => ErrorClass::NoPermission,
        class => class,
    }
}

/// OpenRouter's error type.
pub(super) fn kind(body: &ErrorBody) -> Option<&str> {
    text(metadata(body)?, "error_type")
}

/// The message: OpenRouter's own and the upstream's, which is in `raw`. `flagged_input` quotes the
/// prompt and is never copied.
pub(super) fn message(body: &ErrorBody) -> String {
    let mut message = body.message.clone();
    if let Some(raw) = raw_message(body).filter(|raw| *raw != message) {
        let raw = match upstream(body) {
            Some(upstream) => format!("{upstream}: {raw}"),
            None => raw,
        };
        if message.is_empty() || message == GENERIC_MESSAGE {
            message = raw;
        } else {
            message = format!("{message} ({raw})");
        }
    }
    let reasons = reasons(body);
    if reasons.is_empty() {
        message
    } else {
        format!("{message} (flagged for: {})", reasons.join(", "))
    }
}

fn class_of_kind(kind: &str) -> Option<ErrorClass> {
    Some(match kind {
        "authentication" => ErrorClass::Revoked,
        "permission_denied" => ErrorClass::NoPermission,
        "payment_required" => ErrorClass::NoCredit,
        "rate_limit_exceeded" => ErrorClass::Throttled,
        "provider_overloaded" | "provider_unavailable" | "server" => ErrorClass::Overloaded,
        "not_found" => ErrorClass::ModelUnavailable,
        "timeout" => ErrorClass::Timeout,
        "content_policy_violation"
        | "context_length_exceeded"
        | "image_download_failed"
        | "image_not_found"
        | "image_too_large"
        | "image_too_small"
        | "invalid_image"
        | "invalid_prompt"
        | "max_tokens_exceeded"
        | "payload_too_large"
        | "precondition_failed"
        | "refusal"
        | "string_too_long"
        | "token_limit_exceeded"
        | "unprocessable"
        | "unsupported_image_format" => ErrorClass::RejectedRequest,
        // `invalid_request` is also used for unknown models.
        _ => return None,
    })
}

/// The message of the upstream: plain text, or an error body, either as text or as an object.
fn raw_message(body: &ErrorBody) -> Option<String> {
    let raw = metadata(body)?.get("raw")?;
    let upstream = match raw {
        Value::String(text) => ErrorBody::parse(text.as_bytes()),
        Value::Object(_) => ErrorBody::parse(raw.to_string().as_bytes()),
        _ => return None,
    };
    (!upstream.message.is_empty()).then_some(upstream.message)
}

fn upstream(body: &ErrorBody) -> Option<&str> {
    text(metadata(body)?, "provider_name")
}

/// The reasons for which moderation flagged the prompt.
fn reasons(body: &ErrorBody) -> Vec<&str> {
    metadata(body)
        .and_then(|metadata| metadata.get("reasons")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn is_moderation(body: &ErrorBody) -> bool {
    let flagged = metadata(body).is_some_and(|metadata| metadata.contains_key("flagged_input"));
    flagged || !reasons(body).is_empty()
}

fn metadata(body: &ErrorBody) -> Option<&Map<String, Value>> {
    body.members.get("metadata")?.as_object()
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// OpenRouter's message when the upstream's is in `raw`.
const GENERIC_MESSAGE: &str = "Provider returned error";

/// Part of the message of a 400 for an unknown model.
const UNKNOWN_MODEL: &str = "is not a valid model ID";

/// Part of the message of a 403 for a key or budget that is used up.
const LIMIT: &str = "limit exceeded";

#[cfg(test)]
mod tests {
    use super::super::tests::classified;
    use super::*;
    use crate::ProviderError;
    use latchkey_contract::ProviderId;

    fn error(status: u16, code: u16, message: &str, metadata: &str) -> ProviderError {
        let body = format!(
            r#"{{"error":{{"code":{code},"message":"{message}","metadata":{metadata}}},"user_id":"u"}}"#
        );
        classified(ProviderId::OpenRouter, status, &body)
    }

    #[test]
    fn openrouters_errors_are_classified() {
        use ErrorClass as E;
        for (code, message, metadata, class) in [
            (401, "User not found.", "null", E::Revoked),
            (
                401,
                "Provider returned error",
                r#"{"provider_name":"OpenAI","raw":"bad key"}"#,
                E::NoPermission,
            ),
            (402, "Insufficient credits", "null", E::NoCredit),
            (403, "Key limit exceeded (total limit)", "null", E::NoCredit),
            (403, "Not allowed by a guardrail", "null", E::NoPermission),
            (
                403,
                "Flagged",
                r#"{"reasons":["violence"],"flagged_input":"x"}"#,
                E::RejectedRequest,
            ),
            (
                400,
                "a/b is not a valid model ID",
                "null",
                E::ModelUnavailable,
            ),
            (
                400,
                "a/b is not a valid model ID",
                r#"{"error_type":"invalid_request"}"#,
                E::ModelUnavailable,
            ),
            (
                404,
                "No endpoints found",
                r#"{"error_type":"not_found"}"#,
                E::ModelUnavailable,
            ),
            (408, "Late", "null", E::Timeout),
            (
                413,
                "Long",
                r#"{"error_type":"context_length_exceeded"}"#,
                E::RejectedRequest,
            ),
            (
                429,
                "Slow",
                r#"{"error_type":"rate_limit_exceeded"}"#,
                E::Throttled,
            ),
            (
                502,
                "Down",
                r#"{"error_type":"provider_unavailable"}"#,
                E::Overloaded,
            ),
            (503, "None", "null", E::Overloaded),
            (504, "Late", r#"{"error_type":"timeout"}"#, E::Timeout),
            (
                400,
                "Odd",
                r#"{"error_type":"unmapped"}"#,
                E::RejectedRequest,
            ),
        ] {
            // As the HTTP status, and within a successful response.
            for status in [code, 200] {
                let error = error(status, code, message, metadata);
                assert_eq!(error.class, class, "{status} {message}");
            }
        }
    }

    #[test]
    fn the_type_takes_precedence_over_the_code() {
        let metadata = r#"{"error_type":"provider_overloaded"}"#;
        let typed = error(503, 503, "Busy", metadata);
        assert_eq!(typed.code.as_deref(), Some("provider_overloaded"));
        assert_eq!(error(503, 503, "Busy", "null").code.as_deref(), Some("503"));
    }

    #[test]
    fn the_upstreams_message_is_shown() {
        let generic = "Provider returned error";
        for (message, metadata, expected) in [
            (
                generic,
                r#"{"provider_name":"Anthropic","raw":"{\"error\":{\"message\":\"max_tokens: too large\"}}"}"#,
                "Anthropic: max_tokens: too large",
            ),
            (
                generic,
                r#"{"provider_name":"X","raw":{"error":{"message":"No"}}}"#,
                "X: No",
            ),
            (generic, r#"{"raw":"plain"}"#, "plain"),
            (
                generic,
                r#"{"provider_name":"X","raw":"<html><title>502</title>"}"#,
                "X: an HTML page titled “502”",
            ),
            (generic, r#"{"provider_name":"X","raw":""}"#, generic),
            (
                "Own words",
                r#"{"provider_name":"X","raw":"theirs"}"#,
                "Own words (X: theirs)",
            ),
            ("Same", r#"{"raw":"Same"}"#, "Same"),
            (
                "Flagged",
                r#"{"reasons":["hate","violence"],"flagged_input":"the prompt"}"#,
                "Flagged (flagged for: hate, violence)",
            ),
        ] {
            assert_eq!(error(400, 400, message, metadata).message, expected);
        }
    }

    #[test]
    fn the_key_is_redacted_from_the_upstreams_message() {
        let metadata = r#"{"raw":"bad key sk-proj-AbCdEf0123456789wxyz"}"#;
        let error = error(400, 400, "Provider returned error", metadata);
        assert_eq!(error.message, "bad key [redacted]");
    }
}
