//! The one table from what went wrong to what is said on the wire.

use std::time::Duration;

use latchkey_contract::router::v1::Loss;
use latchkey_providers::ProviderError;
use latchkey_rpc::refusal::Refusal;
use tonic::{Code, Status};

use crate::domain::refusal::VaultRefusal;
use crate::error::RouterError;

/// The domain of every `ErrorInfo` of this service.
pub(super) const DOMAIN: &str = "router.latchkey";

/// When a caller may try again after a failure that passes.
const RETRY: Duration = Duration::from_secs(1);

impl From<RouterError> for Status {
    fn from(error: RouterError) -> Self {
        refusal(&error).into_status(DOMAIN)
    }
}

/// What is said of an error, be it as a status or as data.
pub(super) fn refusal(error: &RouterError) -> Refusal {
    let refusal = Refusal::new(error.reason(), error.to_string());
    let refusal = match error {
        RouterError::Tried { attempts, .. } => {
            let names: Vec<_> = attempts.iter().map(ToString::to_string).collect();
            refusal.with("attempts", names.join(" "))
        }
        _ => refusal,
    };
    let refusal = match error.cause() {
        RouterError::Field { field, problem } => refusal.violation(field, problem),
        RouterError::Encode(error) => refusal.violation(&*error.field, &*error.message),
        RouterError::LossySwitch(losses) => left_behind(refusal, losses),
        RouterError::RequestIdReused => refusal.violation("request_id", error.to_string()),
        RouterError::Refused(said) => handed_on(refusal, said),
        RouterError::Provider(error) => with_words(refusal, error),
        RouterError::CostLimitExceeded { highest_nanos } => {
            let refusal = refusal.with("expectation", "max_cost_nanos");
            let known = highest_nanos.iter();
            known.fold(refusal, |refusal, highest| {
                refusal.with("highest_cost_nanos", highest.to_string())
            })
        }
        _ => refusal,
    };
    match refusal.reason().code() {
        Code::Unavailable | Code::ResourceExhausted => refusal.retry_after(delay(error)),
        _ => refusal,
    }
}

/// One violation per loss: where, and what of whom.
fn left_behind(refusal: Refusal, losses: &[Loss]) -> Refusal {
    losses.iter().fold(refusal, |refusal, loss| {
        let kind = loss.kind().as_str_name();
        let kind = kind.strip_prefix("KIND_").unwrap_or(kind);
        let of = match loss.provider.as_str() {
            "" => String::new(),
            provider => format!(" of {provider}"),
        };
        refusal.violation(&*loss.field, format!("{kind}{of} can't travel"))
    })
}

fn handed_on(refusal: Refusal, said: &VaultRefusal) -> Refusal {
    let facts = said.metadata.iter();
    let refusal = facts.fold(refusal, |refusal, (key, value)| refusal.with(key, value));
    let fields = said.violations.iter();
    fields.fold(refusal, |refusal, (field, problem)| {
        refusal.violation(field, problem)
    })
}

fn with_words(refusal: Refusal, error: &ProviderError) -> Refusal {
    let mut refusal = refusal.with("provider_message", &error.message);
    if let Some(status) = error.http_status {
        refusal = refusal.with("provider_status", status.to_string());
    }
    if let Some(code) = &error.code {
        refusal = refusal.with("provider_code", code);
    }
    if let Some(id) = &error.request_id {
        refusal = refusal.with("provider_request_id", id);
    }
    refusal
}

fn delay(error: &RouterError) -> Duration {
    error.retry_after().unwrap_or(RETRY)
}

#[cfg(test)]
mod tests;
