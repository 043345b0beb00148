//! Encodes errors as gRPC statuses.

use std::time::Duration;

use latchkey_contract::router::v1::Loss;
use latchkey_providers::ProviderError;
use latchkey_rpc::refusal::Refusal;
use tonic::{Code, Status};

use crate::domain::refusal::VaultRefusal;
use crate::error::RouterError;

/// The domain of every `ErrorInfo` of this service.
pub(super) const DOMAIN: &str = "router.latchkey";

/// The retry delay of a passing failure whose duration is not known.
const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(1);

impl From<RouterError> for Status {
    fn from(error: RouterError) -> Self {
        refusal(&error).into_status(DOMAIN)
    }
}

/// The refusal of an error: the content of a status, which Compare and Explain return as data.
pub(super) fn refusal(error: &RouterError) -> Refusal {
    let mut refusal = with_cause(Refusal::new(error.reason(), error.to_string()), error);
    if let RouterError::Tried { attempts, .. } = error {
        let names: Vec<_> = attempts.iter().map(ToString::to_string).collect();
        refusal = refusal.with("attempts", names.join(" "));
    }
    match refusal.reason().code() {
        Code::Unavailable | Code::ResourceExhausted => {
            refusal.retry_after(error.retry_after().unwrap_or(DEFAULT_RETRY_DELAY))
        }
        _ => refusal,
    }
}

fn with_cause(refusal: Refusal, error: &RouterError) -> Refusal {
    match error.cause() {
        RouterError::Field { field, problem } => refusal.violation(field, problem),
        RouterError::Encode(error) => refusal.violation(&*error.field, &*error.message),
        RouterError::LossySwitch(losses) => with_losses(refusal, losses),
        RouterError::RequestIdReused => refusal.violation("request_id", error.to_string()),
        RouterError::Refused(vault_refusal) => with_vault_refusal(refusal, vault_refusal),
        RouterError::Provider(error) => with_provider_error(refusal, error),
        RouterError::CostLimitExceeded { highest_nanos } => highest_nanos.iter().fold(
            refusal.with("expectation", "max_cost_nanos"),
            |refusal, highest| refusal.with("highest_cost_nanos", highest.to_string()),
        ),
        _ => refusal,
    }
}

/// Adds a violation for each loss, with its kind and provider.
fn with_losses(refusal: Refusal, losses: &[Loss]) -> Refusal {
    losses.iter().fold(refusal, |refusal, loss| {
        let name = loss.kind().as_str_name();
        let kind = name.strip_prefix("KIND_").unwrap_or(name);
        let of = match loss.provider.as_str() {
            "" => String::new(),
            provider => format!(" of {provider}"),
        };
        let problem = format!("holds {kind}{of}, which the model can't take");
        refusal.violation(&*loss.field, problem)
    })
}

fn with_vault_refusal(mut refusal: Refusal, vault_refusal: &VaultRefusal) -> Refusal {
    for (key, value) in &vault_refusal.metadata {
        refusal = refusal.with(key, value);
    }
    for (field, problem) in &vault_refusal.violations {
        refusal = refusal.violation(field, problem);
    }
    refusal
}

fn with_provider_error(refusal: Refusal, error: &ProviderError) -> Refusal {
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

#[cfg(test)]
mod tests;
