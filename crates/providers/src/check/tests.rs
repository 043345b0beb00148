use http::{HeaderMap, Method};
use serde_json::json;
use url::Url;

use super::*;
use crate::Credential;

const KEY: &str = "sk-proj-AbCdEf0123456789wxyz";
const LIST: &str = r#"{"object":"list","data":[{"id":"gpt-4.1"}]}"#;

fn request_for(provider: ProviderId, base: &str) -> (Method, String, HeaderMap) {
    let base = Url::parse(base).unwrap();
    let target = Target::new(provider, &base, Credential::ApiKey(KEY));
    let request = request(&target).unwrap();
    assert!(request.body.is_empty());
    (request.method, request.uri.to_string(), request.headers)
}

fn outcome_of(provider: ProviderId, status: u16, body: &str) -> CheckOutcome {
    let status = StatusCode::from_u16(status).unwrap();
    let headers = HeaderMap::new();
    outcome(
        provider,
        &Reply::undated(status, &headers, body.as_bytes(), KEY),
    )
}

#[test]
fn a_check_requests_the_models_without_a_body() {
    let (method, uri, headers) = request_for(ProviderId::OpenAi, "https://api.openai.com/v1");
    assert_eq!(
        (method, uri.as_str()),
        (Method::GET, "https://api.openai.com/v1/models")
    );
    assert!(headers["authorization"].is_sensitive());
    assert!(!headers.contains_key("content-type"));

    let (_, uri, headers) = request_for(ProviderId::Anthropic, "https://api.anthropic.com");
    assert_eq!(uri, "https://api.anthropic.com/v1/models?limit=1");
    assert!(headers.contains_key("anthropic-version"));
    assert!(!headers.contains_key("authorization"));

    let (_, uri, headers) = request_for(
        ProviderId::Google,
        "https://generativelanguage.googleapis.com",
    );
    assert_eq!(
        uri,
        "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1"
    );
    assert!(headers["x-goog-api-key"].is_sensitive());

    for (provider, base, expected) in [
        (
            ProviderId::Custom,
            "https://llm.example.com/api/v1/",
            "https://llm.example.com/api/v1/models",
        ),
        (
            ProviderId::Azure,
            "https://example.openai.azure.com",
            "https://example.openai.azure.com/openai/v1/models",
        ),
        (
            ProviderId::DeepSeek,
            "https://api.deepseek.com",
            "https://api.deepseek.com/user/balance",
        ),
        (
            ProviderId::OpenRouter,
            "https://openrouter.ai/api/v1",
            "https://openrouter.ai/api/v1/key",
        ),
    ] {
        assert_eq!(request_for(provider, base).1, expected);
    }
}

#[test]
fn a_list_proves_the_key_where_lists_are_not_public() {
    assert_eq!(
        outcome_of(ProviderId::OpenAi, 200, LIST),
        CheckOutcome::Alive
    );
    assert_eq!(
        outcome_of(ProviderId::Anthropic, 200, LIST),
        CheckOutcome::Alive
    );
    assert_eq!(
        outcome_of(ProviderId::Azure, 200, LIST),
        CheckOutcome::Alive
    );
    let reachable = outcome_of(ProviderId::Custom, 200, LIST);
    assert!(matches!(reachable, CheckOutcome::Reachable { .. }));
}

#[test]
fn vertex_is_checked_with_the_exchanged_token() {
    let base = Url::parse("https://europe-west4-aiplatform.googleapis.com").unwrap();
    let target = Target {
        location: "europe-west4",
        cloud_project: "example-project",
        ..Target::new(ProviderId::Vertex, &base, Credential::Bearer(KEY))
    };
    let request = request(&target).unwrap();
    assert_eq!(
        request.uri,
        "https://europe-west4-aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=1"
    );
    assert!(request.headers["authorization"].is_sensitive());
}

#[test]
fn each_provider_has_a_list_of_its_own_shape() {
    let models = r#"{"models":[{"name":"models/gemini-2.5-flash"}],"nextPageToken":"x"}"#;
    let publishers =
        r#"{"publisherModels":[{"name":"publishers/google/models/gemini-2.5-flash"}]}"#;
    assert_eq!(
        outcome_of(ProviderId::Google, 200, models),
        CheckOutcome::Alive
    );
    assert_eq!(
        outcome_of(ProviderId::Vertex, 200, publishers),
        CheckOutcome::Alive
    );
    for (provider, body) in [
        (ProviderId::Google, LIST),
        (ProviderId::Google, "{}"),
        (ProviderId::Vertex, models),
        (ProviderId::OpenAi, models),
    ] {
        assert!(
            matches!(
                outcome_of(provider, 200, body),
                CheckOutcome::Unreachable(_)
            ),
            "{provider}: {body}"
        );
    }
}

#[test]
fn googles_refusals_are_graded_by_reason() {
    let refused = |status: u16, name: &str, reason: &str| {
        format!(
            r#"{{"error":{{"code":{status},"message":"no","status":"{name}","details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}"}}]}}}}"#
        )
    };
    let bad_key = refused(400, "INVALID_ARGUMENT", "API_KEY_INVALID");
    let no_auth_key = refused(401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED");
    for (status, body) in [(400, &bad_key), (401, &no_auth_key)] {
        let outcome = outcome_of(ProviderId::Google, status, body);
        assert!(matches!(outcome, CheckOutcome::Rejected(_)), "{body}");
    }
    // A key without access to this API cannot be used; the account's token was just issued.
    let off = refused(403, "PERMISSION_DENIED", "SERVICE_DISABLED");
    let outcome = outcome_of(ProviderId::Google, 403, &off);
    assert!(matches!(outcome, CheckOutcome::Rejected(_)));
    let denied = refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED");
    for body in [off, denied] {
        let outcome = outcome_of(ProviderId::Vertex, 403, &body);
        assert!(matches!(outcome, CheckOutcome::Limited { .. }), "{body}");
    }
    let unpaid = refused(403, "PERMISSION_DENIED", "BILLING_DISABLED");
    let outcome = outcome_of(ProviderId::Google, 403, &unpaid);
    assert!(matches!(outcome, CheckOutcome::Limited { .. }));
    let plain = r#"{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}"#;
    let outcome = outcome_of(ProviderId::Google, 400, plain);
    assert!(matches!(outcome, CheckOutcome::Unreachable(_)));
}

#[test]
fn an_endpoint_without_a_list_is_reachable() {
    for status in [404, 405, 501] {
        let CheckOutcome::Reachable { message } = outcome_of(ProviderId::Custom, status, "nope")
        else {
            panic!("{status} does not depend on the key");
        };
        assert!(message.contains(&status.to_string()), "{message}");
        assert!(message.contains("/v1"), "{message}");
    }
}

#[test]
fn openrouters_data_of_the_key_decides_the_outcome() {
    let outcome_of = |name: &str, value: serde_json::Value| {
        let mut key = json!({
            "label": "sk-or-v1-not...real", "usage": 1.5, "limit": 10, "limit_remaining": 7.5,
            "limit_reset": null, "expires_at": null, "effective_budget": null,
            "is_management_key": false, "is_provisioning_key": false,
        });
        key[name] = value;
        let body = json!({ "data": key }).to_string();
        outcome_of(ProviderId::OpenRouter, 200, &body)
    };
    assert_eq!(outcome_of("usage", json!(2)), CheckOutcome::Alive);
    assert_eq!(
        outcome_of("limit_remaining", json!(null)),
        CheckOutcome::Alive
    );
    for name in ["is_management_key", "is_provisioning_key"] {
        let CheckOutcome::Rejected(error) = outcome_of(name, json!(true)) else {
            panic!("{name}");
        };
        assert_eq!(error.class, ErrorClass::NoPermission);
        assert!(error.message.contains("management key"));
    }
    for (name, value, what) in [
        ("limit_remaining", json!(0), "spending limit"),
        ("limit_remaining", json!(-0.25), "spending limit"),
        ("effective_budget", json!({"remaining_usd": 0}), "budget"),
    ] {
        let CheckOutcome::Limited { message } = outcome_of(name, value) else {
            panic!("{name}");
        };
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn an_expired_openrouter_key_is_rejected() {
    let body = br#"{"data":{"label":"x","expires_at":"2026-11-21T12:00:00Z"}}"#;
    let noon = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
    let at = |now| {
        let headers = HeaderMap::new();
        let reply = Reply::undated(StatusCode::OK, &headers, body, KEY);
        outcome(ProviderId::OpenRouter, &Reply { now, ..reply })
    };
    assert!(matches!(at(noon), CheckOutcome::Rejected(_)));
    let a_second_before = noon - std::time::Duration::from_secs(1);
    assert_eq!(at(a_second_before), CheckOutcome::Alive);
}

#[test]
fn deepseeks_balance_decides_the_outcome() {
    let balance = |enough: bool| {
        format!(
            r#"{{"is_available":{enough},"balance_infos":[{{"currency":"USD",
                "total_balance":"0.00","granted_balance":"0.00","topped_up_balance":"0.00"}}]}}"#
        )
    };
    let alive = outcome_of(ProviderId::DeepSeek, 200, &balance(true));
    assert_eq!(alive, CheckOutcome::Alive);
    let CheckOutcome::Limited { message } = outcome_of(ProviderId::DeepSeek, 200, &balance(false))
    else {
        panic!("not limited");
    };
    assert!(message.ends_with(": USD 0.00"), "{message}");
    let bare = outcome_of(ProviderId::DeepSeek, 200, r#"{"is_available":false}"#);
    assert!(matches!(bare, CheckOutcome::Limited { .. }));
}

#[test]
fn a_valid_key_without_credit_scope_or_rate_is_limited() {
    for (provider, status, body) in [
        (
            ProviderId::OpenAi,
            403,
            r#"{"error":{"message":"Missing scopes: api.model.read"}}"#,
        ),
        (
            ProviderId::OpenAi,
            429,
            r#"{"error":{"message":"Slow","code":"rate_limit_exceeded"}}"#,
        ),
        (
            ProviderId::OpenAi,
            429,
            r#"{"error":{"message":"Quota","type":"insufficient_quota"}}"#,
        ),
        (
            ProviderId::Anthropic,
            400,
            r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
        ),
        (
            ProviderId::DeepSeek,
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
        ),
        (
            ProviderId::OpenRouter,
            429,
            r#"{"error":{"code":429,"message":"Rate limit exceeded"}}"#,
        ),
    ] {
        let outcome = outcome_of(provider, status, body);
        assert!(
            matches!(outcome, CheckOutcome::Limited { .. }),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn a_refused_key_is_rejected_with_a_redacted_message() {
    let body = format!(r#"{{"error":{{"message":"bad {KEY}","code":"invalid_api_key"}}}}"#);
    let CheckOutcome::Rejected(error) = outcome_of(ProviderId::OpenAi, 401, &body) else {
        panic!("not rejected");
    };
    assert_eq!(error.class, ErrorClass::Revoked);
    assert_eq!(error.message, "bad [redacted]");
    for (provider, status, body) in [
        (ProviderId::Custom, 401, ""),
        (ProviderId::Anthropic, 403, ""),
        (
            ProviderId::Azure,
            401,
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
        ),
        (
            ProviderId::Azure,
            403,
            r#"{"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication is disabled for this resource."}}"#,
        ),
        (
            ProviderId::OpenRouter,
            401,
            r#"{"error":{"message":"User not found.","code":401}}"#,
        ),
        (
            ProviderId::DeepSeek,
            401,
            r#"{"error":{"message":"Authentication Fails","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
        ),
    ] {
        let outcome = outcome_of(provider, status, body);
        assert!(matches!(outcome, CheckOutcome::Rejected(_)), "{outcome:?}");
    }
}

#[test]
fn answers_that_do_not_depend_on_the_key_are_inconclusive() {
    for (provider, status, body) in [
        (ProviderId::OpenAi, 500, ""),
        (ProviderId::OpenAi, 503, "<html></html>"),
        (ProviderId::OpenAi, 404, ""),
        (ProviderId::OpenAi, 302, ""),
        (ProviderId::OpenAi, 200, "<html>captive portal</html>"),
        (ProviderId::Anthropic, 529, ""),
        (ProviderId::Custom, 502, ""),
        (ProviderId::Custom, 504, ""),
        (
            ProviderId::Azure,
            404,
            r#"{"error":{"code":"404","message":"Resource not found"}}"#,
        ),
        (ProviderId::DeepSeek, 200, "<html>captive portal</html>"),
        (ProviderId::DeepSeek, 200, r#"{"object":"list","data":[]}"#),
        (
            ProviderId::OpenRouter,
            200,
            r#"{"object":"list","data":[{"id":"gpt-4.1"}]}"#,
        ),
        (ProviderId::OpenRouter, 200, r#"{"data":{}}"#),
    ] {
        let outcome = outcome_of(provider, status, body);
        assert!(
            matches!(outcome, CheckOutcome::Unreachable(_)),
            "{status}: {outcome:?}"
        );
    }
}

#[test]
fn no_outcome_contains_the_key() {
    for (provider, body) in [
        (
            ProviderId::OpenRouter,
            format!(r#"{{"data":{{"label":"{KEY}","limit_remaining":0,"limit_reset":"{KEY}"}}}}"#),
        ),
        (
            ProviderId::DeepSeek,
            format!(
                r#"{{"is_available":false,"balance_infos":[{{"currency":"{KEY}","total_balance":"{KEY}"}}]}}"#
            ),
        ),
    ] {
        let outcome = outcome_of(provider, 200, &body);
        assert!(matches!(outcome, CheckOutcome::Limited { .. }));
        assert!(!format!("{outcome:?}").contains(KEY), "{outcome:?}");
    }
}
