//! Failover: other keys, retries and other models, and their order.

mod any_key;
mod deadlines;
mod expectations;
mod fallbacks;
mod funding;
mod refused_keys;
mod retries;
mod streams;
mod throttled;
mod waiting;
mod workspace_fallbacks;

use latchkey_contract::router::v1::{Attempt, Fallback, GenerateRequest};
use latchkey_migrations::testing::Backend;
use serde_json::json;

use crate::harness::{Answer, Router, anthropic, chat, gpt};

async fn router() -> Router {
    Router::start(Backend::Sqlite).await
}

pub(crate) fn ok_answer() -> Answer {
    Answer::json(200, &chat::whole())
}

/// The same answer in Anthropic's format.
fn claude_answer() -> Answer {
    Answer::json(200, &anthropic::whole())
}

pub(crate) fn failed(status: u16) -> Answer {
    Answer::json(
        status,
        &json!({"error": {"message": "text of the provider"}}),
    )
}

/// Fallbacks as `{provider}/{model}`.
fn falling_back<const N: usize>(to: [&str; N], request: GenerateRequest) -> GenerateRequest {
    let fallbacks = to.map(|line| {
        let (provider, model) = line.split_once('/').unwrap();
        Fallback {
            provider: provider.to_owned(),
            model: model.to_owned(),
            key: String::new(),
        }
    });
    GenerateRequest {
        fallbacks: fallbacks.to_vec(),
        ..request
    }
}

pub(crate) fn for_model(model: &str) -> GenerateRequest {
    GenerateRequest {
        model: model.to_owned(),
        ..gpt()
    }
}

/// The error reasons of attempts, the oldest first; empty for a success.
fn reasons(attempts: &[Attempt]) -> Vec<&str> {
    let reasons = attempts.iter().map(|attempt| &*attempt.error_reason);
    reasons.collect()
}

/// Checks that the attempts of a response are recorded as they were returned.
async fn are_recorded(router: &Router, attempts: &[Attempt]) {
    let recorded = router.attempts().await;
    for attempt in attempts {
        let found = recorded.iter().find(|other| other.name == attempt.name);
        // A row holds zeros for an unknown usage.
        let usage = Some(attempt.usage.unwrap_or_default());
        let expected = Attempt {
            usage,
            ..attempt.clone()
        };
        assert_eq!(found, Some(&expected));
    }
}
