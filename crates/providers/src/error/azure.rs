//! Azure's errors, where they differ from OpenAI's.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value};

use super::body::ErrorBody;
use super::{ErrorClass, openai};

/// Classifies by Azure's own codes and messages, then as for OpenAI.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    match body.code.as_deref() {
        Some("content_filter") => ErrorClass::RejectedRequest,
        Some("DeploymentNotFound") => ErrorClass::ModelUnavailable,
        Some("AuthenticationTypeDisabled" | "PermissionDenied") => ErrorClass::NoPermission,
        _ if body.message.contains(NO_QUOTA) => ErrorClass::NoCredit,
        _ => openai::class(status, body),
    }
}

/// The message of an error, with the filtered categories or a hint about the address.
pub(super) fn message(status: Option<StatusCode>, body: &ErrorBody) -> Cow<'_, str> {
    let message = Cow::Borrowed(body.message.as_str());
    let filtered = ["innererror", "inner_error"]
        .into_iter()
        .find_map(|name| body.members.get(name))
        .map(categories)
        .unwrap_or_default();
    if !filtered.is_empty() {
        return Cow::Owned(format!("{message} (filtered for: {})", filtered.join(", ")));
    }
    let nameless = matches!(body.code.as_deref(), None | Some("404"));
    if status != Some(StatusCode::NOT_FOUND) || !nameless {
        return message;
    }
    if message.is_empty() {
        Cow::Borrowed(WRONG_PATH)
    } else {
        Cow::Owned(format!("{message} ({WRONG_PATH})"))
    }
}

/// The categories that the content filter matched, with their severity: `violence: high`.
fn categories(inner: &Value) -> Vec<String> {
    let results = ["content_filter_result", "content_filter_results"]
        .into_iter()
        .find_map(|name| inner.get(name))
        .and_then(Value::as_object);
    let filtered = results.into_iter().flatten().filter_map(|(name, result)| {
        let result = result.as_object()?;
        let severity = result.get("severity").and_then(Value::as_str);
        is_filtered(result).then(|| match severity {
            Some(severity) => format!("{name}: {severity}"),
            None => name.clone(),
        })
    });
    filtered.collect()
}

fn is_filtered(result: &Map<String, Value>) -> bool {
    result.get("filtered").and_then(Value::as_bool) == Some(true)
}

/// Part of the message for an account whose quota is used up.
const NO_QUOTA: &str = "Out of call volume quota";

/// Azure answers an unknown path and an unknown version alike.
const WRONG_PATH: &str = "the address or its api-version may be wrong";

#[cfg(test)]
mod tests {
    use super::super::tests::classified;
    use super::*;
    use latchkey_contract::ProviderId;

    #[test]
    fn azures_errors_are_classified() {
        use ErrorClass as E;
        for (status, body, class) in [
            (
                401,
                r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
                E::Revoked,
            ),
            (
                401,
                r#"{"error":{"code":"Unauthorized","message":"Access token is missing, invalid, audience is incorrect, or have expired."}}"#,
                E::Revoked,
            ),
            (
                401,
                r#"{"error":{"code":"PermissionDenied","message":"The principal lacks the required data action."}}"#,
                E::NoPermission,
            ),
            (
                403,
                r#"{"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication is disabled for this resource."}}"#,
                E::NoPermission,
            ),
            (
                403,
                r#"{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}"#,
                E::NoPermission,
            ),
            (
                403,
                r#"{"error":{"code":"403","message":"Out of call volume quota. Quota will be replenished in 12 days."}}"#,
                E::NoCredit,
            ),
            (
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                E::ModelUnavailable,
            ),
            (
                429,
                r#"{"error":{"code":"429","message":"Requests to this deployment have exceeded the rate limit."}}"#,
                E::Throttled,
            ),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded","message":"Too long","type":"invalid_request_error"}}"#,
                E::RejectedRequest,
            ),
            (503, "", E::Overloaded),
        ] {
            let error = classified(ProviderId::Azure, status, body);
            assert_eq!(error.class, class, "{body}");
        }
    }

    #[test]
    fn filtered_categories_are_in_the_message() {
        for name in ["innererror", "inner_error"] {
            let body = format!(
                r#"{{"error":{{"message":"The response was filtered.","type":null,"param":"prompt",
                    "code":"content_filter","status":400,"{name}":{{"code":"ResponsibleAIPolicyViolation",
                    "content_filter_result":{{"hate":{{"filtered":false,"severity":"safe"}},
                    "jailbreak":{{"filtered":true,"detected":true}},
                    "violence":{{"filtered":true,"severity":"high"}}}}}}}}}}"#
            );
            let error = classified(ProviderId::Azure, 400, &body);
            assert_eq!(error.class, ErrorClass::RejectedRequest);
            assert_eq!(error.code.as_deref(), Some("content_filter"));
            assert_eq!(
                error.message,
                "The response was filtered. (filtered for: jailbreak, violence: high)"
            );
        }
    }

    #[test]
    fn an_unknown_path_gets_a_hint_about_the_version() {
        let body = r#"{"error":{"code":"404","message":"Resource not found"}}"#;
        let error = classified(ProviderId::Azure, 404, body);
        assert_eq!(error.class, ErrorClass::ModelUnavailable);
        assert!(error.message.starts_with("Resource not found ("));
        assert!(error.message.contains("api-version"));
        assert_eq!(classified(ProviderId::Azure, 404, "").message, WRONG_PATH);
        let deployment = r#"{"error":{"code":"DeploymentNotFound","message":"None"}}"#;
        assert_eq!(
            classified(ProviderId::Azure, 404, deployment).message,
            "None"
        );
    }
}
