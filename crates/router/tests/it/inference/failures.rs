//! Failures of providers, and the refusals and records that follow.

use latchkey_contract::router::v1::{Attempt, GenerateRequest, attempt};
use serde_json::{Value, json};
use tonic::Code;

use crate::harness::{Answer, Refused, SECRET, anthropic, chat};

/// A failure and its expected consequences.
pub(super) struct Failure {
    pub(super) answer: fn() -> Answer,
    pub(super) code: Code,
    pub(super) reason: &'static str,
    pub(super) status: u16,
    /// The `provider_code` in the metadata; empty if there is none.
    pub(super) provider_code: &'static str,
    /// The wait before a retry, in seconds.
    pub(super) retry: Option<u64>,
    /// Whether a key report is sent.
    pub(super) reported: bool,
}

/// Failures of OpenAI that are the same with and without streaming.
pub(super) fn openai() -> Vec<Failure> {
    use Code::{FailedPrecondition, InvalidArgument, ResourceExhausted, Unavailable};
    const REJECTED: &str = "PROVIDER_REJECTED_KEY";
    const NO_CREDIT: &str = "PROVIDER_NO_CREDIT";
    const THROTTLED: &str = "PROVIDER_THROTTLED";
    const DOWN: &str = "PROVIDER_UNAVAILABLE";
    let revoked = failure(unknown_key, FailedPrecondition, REJECTED, 401).coded("invalid_api_key");
    vec![
        // This comes first, while the clock is at the start of the test.
        failure(
            || plain(429).with("retry-after", IN_HALF_A_MINUTE),
            ResourceExhausted,
            THROTTLED,
            429,
        )
        .again_after(30),
        Failure {
            reported: true,
            ..revoked
        },
        failure(|| plain(403), FailedPrecondition, REJECTED, 403),
        failure(|| plain(402), FailedPrecondition, NO_CREDIT, 402),
        failure(
            || coded(429, "insufficient_quota"),
            FailedPrecondition,
            NO_CREDIT,
            429,
        )
        .coded("insufficient_quota"),
        failure(
            || coded(404, "model_not_found"),
            FailedPrecondition,
            "MODEL_UNAVAILABLE",
            404,
        )
        .coded("model_not_found"),
        failure(
            || plain(400),
            InvalidArgument,
            "PROVIDER_REJECTED_REQUEST",
            400,
        ),
        failure(|| plain(429), ResourceExhausted, THROTTLED, 429).again_after(1),
        failure(
            || plain(429).with("retry-after", "38"),
            ResourceExhausted,
            THROTTLED,
            429,
        )
        .again_after(38),
        failure(|| plain(500), Unavailable, DOWN, 500).again_after(1),
        failure(
            || plain(503).with("retry-after", "5"),
            Unavailable,
            DOWN,
            503,
        )
        .again_after(5),
        failure(
            || Answer::text(502, "text/html", PAGE),
            Unavailable,
            DOWN,
            502,
        )
        .again_after(1),
        failure(
            || Answer::text(502, "text/plain", ""),
            Unavailable,
            DOWN,
            502,
        )
        .again_after(1),
        failure(
            || plain(504),
            Code::DeadlineExceeded,
            "PROVIDER_TIMEOUT",
            504,
        ),
    ]
}

pub(super) fn of_anthropic() -> Vec<Failure> {
    use Code::{FailedPrecondition, Unavailable};
    let revoked = failure(
        || {
            Answer::json(
                401,
                &anthropic::error("authentication_error", "invalid x-api-key"),
            )
        },
        FailedPrecondition,
        "PROVIDER_REJECTED_KEY",
        401,
    );
    let broke = || {
        let message = "Your credit balance is too low to access the Anthropic API.";
        Answer::json(400, &anthropic::error("invalid_request_error", message))
    };
    let overloaded = || Answer::json(529, &anthropic::error("overloaded_error", "Overloaded"));
    vec![
        Failure {
            reported: true,
            ..revoked.coded("authentication_error")
        },
        failure(broke, FailedPrecondition, "PROVIDER_NO_CREDIT", 400)
            .coded("invalid_request_error"),
        failure(overloaded, Unavailable, "PROVIDER_UNAVAILABLE", 529)
            .coded("overloaded_error")
            .again_after(1),
    ]
}

/// Failures in the body of an answer.
pub(super) fn whole() -> Vec<Failure> {
    use Code::{ResourceExhausted, Unavailable};
    const MALFORMED: &str = "PROVIDER_MALFORMED";
    let in_disguise = || {
        let error = chat::error("rate_limit", "rate_limit_exceeded", "slow down");
        Answer::json(200, &error)
    };
    let half = || Answer::text(200, "application/json", "{\"choices\":[");
    vec![
        failure(
            || Answer::text(200, "text/html", PAGE),
            Unavailable,
            MALFORMED,
            200,
        )
        .again_after(1),
        failure(half, Unavailable, MALFORMED, 200).again_after(1),
        failure(
            || Answer::json(200, &json!({})),
            Unavailable,
            MALFORMED,
            200,
        )
        .again_after(1),
        failure(
            || Answer::json(200, &Value::Null),
            Unavailable,
            MALFORMED,
            200,
        )
        .again_after(1),
        failure(in_disguise, ResourceExhausted, "PROVIDER_THROTTLED", 200)
            .coded("rate_limit_exceeded")
            .again_after(1),
    ]
}

/// A date after the start of the tests.
const IN_HALF_A_MINUTE: &str = "Sat, 21 Nov 2026 12:00:30 GMT";
const PAGE: &str = "<!DOCTYPE html><html><head><title>Bad gateway</title></head></html>";

/// OpenAI quotes a key that it rejects.
fn unknown_key() -> Answer {
    let message = format!("Incorrect API key provided: {SECRET}. You can find yours elsewhere.");
    let error = chat::error("invalid_request_error", "invalid_api_key", &message);
    Answer::json(401, &error).with("x-request-id", "req_head")
}

fn coded(status: u16, code: &str) -> Answer {
    let error = chat::error("some_error", code, "text of the provider");
    Answer::json(status, &error).with("x-request-id", "req_head")
}

fn plain(status: u16) -> Answer {
    let error = json!({"error": {"message": "text of the provider"}});
    Answer::json(status, &error).with("x-request-id", "req_head")
}

fn failure(answer: fn() -> Answer, code: Code, reason: &'static str, status: u16) -> Failure {
    Failure {
        answer,
        code,
        reason,
        status,
        provider_code: "",
        retry: None,
        reported: false,
    }
}

/// The request for a model of its own, since cool-downs hold per model.
pub(super) fn numbered(request: GenerateRequest, number: usize) -> GenerateRequest {
    GenerateRequest {
        model: format!("{}-{number}", request.model),
        ..request
    }
}

impl Failure {
    fn coded(self, provider_code: &'static str) -> Self {
        Self {
            provider_code,
            ..self
        }
    }

    fn again_after(self, seconds: u64) -> Self {
        Self {
            retry: Some(seconds),
            ..self
        }
    }

    /// Checks the refusal that the caller received.
    pub(super) fn check_refusal(&self, refusal: &Refused) {
        let metadata = |key: &str| refusal.metadata.get(key).map_or("", String::as_str);
        assert_eq!(
            metadata("provider_status"),
            self.status.to_string(),
            "{refusal:?}"
        );
        assert_eq!(metadata("provider_code"), self.provider_code, "{refusal:?}");
        assert!(!metadata("provider_message").is_empty(), "{refusal:?}");
        assert!(!format!("{refusal:?}").contains(SECRET), "{refusal:?}");
        let retry = self.retry.map(std::time::Duration::from_secs);
        assert_eq!(refusal.retry_after, retry, "{refusal:?}");
    }

    /// Checks the recorded attempt.
    pub(super) fn is_recorded(&self, attempt: &Attempt) {
        assert_eq!(attempt.state(), attempt::State::Failed);
        assert_eq!(attempt.error_reason, self.reason);
        assert_eq!(attempt.http_status, i32::from(self.status));
        assert_eq!(attempt.certainty(), attempt::Certainty::Unknown);
        assert_eq!(attempt.cost_nanos, None);
        assert_eq!(attempt.served_model, "");
    }
}
