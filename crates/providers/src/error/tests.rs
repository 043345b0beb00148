use super::*;

const KEY: &str = "sk-proj-AbCdEf0123456789wxyz";

pub(super) fn classified(provider: ProviderId, status: u16, body: &str) -> ProviderError {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "req_head".parse().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    classify(
        provider,
        &Reply::undated(status, &headers, body.as_bytes(), KEY),
    )
}

fn openai(message: &str, kind: &str, code: &str) -> String {
    let code = if code.is_empty() {
        "null".into()
    } else {
        format!("\"{code}\"")
    };
    format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":{code}}}}}"#)
}

fn anthropic(kind: &str, message: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_body"}}"#
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn openais_errors_are_classified_by_body() {
    use ErrorClass as E;
    for (status, message, kind, code, class) in [
        (
            401,
            "Incorrect API key",
            "invalid_request_error",
            "invalid_api_key",
            E::Revoked,
        ),
        (
            401,
            "You didn't provide an API key",
            "invalid_request_error",
            "",
            E::Revoked,
        ),
        (
            403,
            "Missing scopes: model.request",
            "invalid_request_error",
            "",
            E::NoPermission,
        ),
        (
            403,
            "Country not supported",
            "request_forbidden",
            "unsupported_country_region_territory",
            E::ModelUnavailable,
        ),
        (
            403,
            "No access to model",
            "invalid_request_error",
            "model_not_found",
            E::ModelUnavailable,
        ),
        (
            404,
            "The model does not exist",
            "invalid_request_error",
            "model_not_found",
            E::ModelUnavailable,
        ),
        (
            429,
            "You exceeded your quota",
            "insufficient_quota",
            "insufficient_quota",
            E::NoCredit,
        ),
        (
            429,
            "Empty",
            "billing",
            "credit_balance_exhausted",
            E::NoCredit,
        ),
        (
            429,
            "Limit",
            "x",
            "project_spend_limit_exceeded",
            E::NoCredit,
        ),
        (
            429,
            "Limit",
            "x",
            "organization_usage_limit_exceeded",
            E::NoCredit,
        ),
        (
            429,
            "Rate limit",
            "requests",
            "rate_limit_exceeded",
            E::Throttled,
        ),
        (429, "Rate limit", "tokens", "", E::Throttled),
        (503, "Slow down", "server_error", "slow_down", E::Throttled),
        (503, "Overloaded", "server_error", "", E::Overloaded),
        (500, "Oops", "server_error", "", E::Overloaded),
        (504, "", "", "", E::Timeout),
        (
            400,
            "Too long",
            "invalid_request_error",
            "context_length_exceeded",
            E::RejectedRequest,
        ),
        (
            400,
            "No",
            "invalid_request_error",
            "content_policy_violation",
            E::RejectedRequest,
        ),
        (
            400,
            "Unknown parameter: 'x'.",
            "invalid_request_error",
            "unknown_parameter",
            E::RejectedRequest,
        ),
        (413, "", "", "", E::RejectedRequest),
        (302, "", "", "", E::Unknown),
        (200, "Odd", "invalid_request_error", "", E::RejectedRequest),
    ] {
        for provider in [ProviderId::OpenAi, ProviderId::Custom] {
            let error = classified(provider, status, &openai(message, kind, code));
            assert_eq!(error.class, class, "{status} {code}");
            assert_eq!(error.http_status, Some(status));
            assert_eq!(error.request_id.as_deref(), Some("req_head"));
        }
    }
}

#[test]
fn anthropics_errors_are_classified_by_body() {
    use ErrorClass as E;
    for (status, kind, message, class) in [
        (401, "authentication_error", "invalid x-api-key", E::Revoked),
        (403, "permission_error", "Not yours", E::NoPermission),
        (402, "billing_error", "Pay", E::NoCredit),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access",
            E::NoCredit,
        ),
        (
            400,
            "invalid_request_error",
            "max_tokens: Field required",
            E::RejectedRequest,
        ),
        (
            404,
            "not_found_error",
            "model: claude-1",
            E::ModelUnavailable,
        ),
        (413, "request_too_large", "Too large", E::RejectedRequest),
        (429, "rate_limit_error", "Slow", E::Throttled),
        (500, "api_error", "Oops", E::Overloaded),
        (504, "timeout_error", "Late", E::Timeout),
        (529, "overloaded_error", "Overloaded", E::Overloaded),
        (418, "teapot_error", "Tea", E::RejectedRequest),
        (529, "brand_new_error", "Overloaded", E::Overloaded),
    ] {
        let error = classified(ProviderId::Anthropic, status, &anthropic(kind, message));
        assert_eq!(error.class, class, "{status} {kind}");
        assert_eq!(error.code.as_deref(), Some(kind));
    }
    let spent = r#"{"type":"error","error":{"type":"rate_limit_error","message":"Limit",
        "details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    let error = classified(ProviderId::Anthropic, 429, spent);
    assert_eq!(error.class, E::NoCredit);
    assert_eq!(error.code.as_deref(), Some("enforced_spend_limit_reached"));
}

#[test]
fn deepseeks_errors_are_classified() {
    use ErrorClass as E;
    for (status, message, kind, class) in [
        (
            401,
            "Authentication Fails",
            "authentication_error",
            E::Revoked,
        ),
        (402, "Insufficient Balance", "unknown_error", E::NoCredit),
        (200, "Insufficient Balance", "unknown_error", E::NoCredit),
        (
            400,
            "Model Not Exist",
            "invalid_request_error",
            E::ModelUnavailable,
        ),
        (
            400,
            "Content Exists Risk",
            "invalid_request_error",
            E::RejectedRequest,
        ),
        (
            422,
            "Failed to deserialize",
            "invalid_request_error",
            E::RejectedRequest,
        ),
        (429, "Too many", "rate_limit_reached_error", E::Throttled),
        (500, "Oops", "server_error", E::Overloaded),
        (503, "Busy", "service_unavailable_error", E::Overloaded),
    ] {
        let body = openai(message, kind, "invalid_request_error");
        let error = classified(ProviderId::DeepSeek, status, &body);
        assert_eq!(error.class, class, "{status} {message}");
    }
}

#[test]
fn a_failed_answer_is_classified_as_overloaded() {
    for (choice, message) in [
        (
            r#"{"message":{"content":"Hal"},"finish_reason":"insufficient_system_resource"}"#,
            "the answer ended with “insufficient_system_resource”",
        ),
        (
            r#"{"delta":{"content":""},"finish_reason":"error"}"#,
            "the answer ended with “error”",
        ),
        (
            r#"{"message":{"content":null},"finish_reason":null}"#,
            "the answer is empty; the model may still be starting",
        ),
    ] {
        let body = format!(r#"{{"id":"1","error":null,"choices":[{choice}]}}"#);
        for provider in [
            ProviderId::Custom,
            ProviderId::DeepSeek,
            ProviderId::OpenRouter,
        ] {
            let error = classified(provider, 200, &body);
            assert_eq!(
                (error.class, &*error.message),
                (ErrorClass::Overloaded, message)
            );
        }
    }
    let inside = r#"{"choices":[{"error":{"code":429,"message":"Slow"},"finish_reason":"error"}]}"#;
    let error = classified(ProviderId::OpenRouter, 200, inside);
    assert_eq!(
        (error.class, &*error.message),
        (ErrorClass::Throttled, "Slow")
    );
}

#[test]
fn azures_own_request_id_takes_precedence() {
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", "x".parse().unwrap());
    headers.insert("apim-request-id", "apim".parse().unwrap());
    assert_eq!(request_id(&headers, "").as_deref(), Some("apim"));
}

#[test]
fn a_key_that_is_repeated_as_an_id_is_redacted() {
    let key = "not-a-real-key-0123456789";
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", key.parse().unwrap());
    let id = request_id(&headers, key).unwrap();
    assert!(!id.contains("0123456789"), "{id}");
}

#[test]
fn the_request_id_is_read_from_the_body_without_a_header() {
    let body = anthropic("api_error", "Oops");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = HeaderMap::new();
    let reply = Reply::undated(status, &headers, body.as_bytes(), KEY);
    let error = classify(ProviderId::Anthropic, &reply);
    assert_eq!(error.request_id.as_deref(), Some("req_body"));
}

#[test]
fn a_hint_is_taken_from_the_headers() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "2.5".parse().unwrap());
    headers.insert("x-should-retry", "false".parse().unwrap());
    let status = StatusCode::TOO_MANY_REQUESTS;
    let reply = Reply::undated(status, &headers, b"{}", KEY);
    let error = classify(ProviderId::OpenAi, &reply);
    assert_eq!(error.retry_after, Some(Duration::from_millis(2_500)));
    assert_eq!(error.should_retry, Some(false));
    headers.insert("retry-after-ms", "125".parse().unwrap());
    let reply = Reply::undated(status, &headers, b"{}", KEY);
    let error = classify(ProviderId::Azure, &reply);
    assert_eq!(error.retry_after, Some(Duration::from_millis(125)));
}

#[test]
fn the_message_is_read_from_every_shape_of_body() {
    for (body, message) in [
        (r#"{"error":"text"}"#, "text"),
        (r#"{"error":{"message":"text"}}"#, "text"),
        (r#"{"detail":"text"}"#, "text"),
        (
            r#"{"detail":[{"loc":["body"],"msg":"one"},{"msg":"two"}]}"#,
            "one; two",
        ),
        (r#"{"message":"text"}"#, "text"),
        (r#"{"object":"error","message":"text","code":400}"#, "text"),
        (r#"[{"error":{"message":"text"}}]"#, "text"),
        (r#""text""#, "text"),
        ("text\n", "text"),
        ("", "HTTP status 400 Bad Request, without a message"),
        ("{}", "HTTP status 400 Bad Request, without a message"),
        ("null", "HTTP status 400 Bad Request, without a message"),
    ] {
        assert_eq!(
            classified(ProviderId::Custom, 400, body).message,
            message,
            "{body}"
        );
    }
}

#[test]
fn an_html_page_is_reduced_to_its_title() {
    let page = format!(
        "<!DOCTYPE html><html><head><TITLE>502 Bad Gateway</TITLE></head><body>secret {KEY}</body>"
    );
    let error = classified(ProviderId::Custom, 502, &page);
    assert_eq!(error.message, "an HTML page titled “502 Bad Gateway”");
    let untitled = classified(
        ProviderId::Custom,
        502,
        "<html><body>internal</body></html>",
    );
    assert_eq!(untitled.message, "an HTML page");
}

#[test]
fn the_key_is_redacted_from_the_providers_message() {
    let quoted = openai(
        "Incorrect API key provided: sk-proj-********wxyz. You can find your API key at https://platform.openai.com/account/api-keys.",
        "invalid_request_error",
        "invalid_api_key",
    );
    assert_eq!(
        classified(ProviderId::OpenAi, 401, &quoted).message,
        "Incorrect API key provided: [redacted] You can find your API key at https://platform.openai.com/account/api-keys."
    );
}

#[test]
fn an_error_displays_its_class_and_message() {
    let error = classified(ProviderId::OpenAi, 429, &openai("Slow", "requests", ""));
    assert_eq!(error.to_string(), "throttled: Slow");
}
