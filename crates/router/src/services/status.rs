//! The one table from what went wrong to what is said on the wire.

use std::time::Duration;

use latchkey_boot::rpc::refusal::Refusal;
use latchkey_providers::encode::EncodeErrorKind;
use latchkey_providers::{ErrorClass, ProviderError};
use tonic::{Code, Status};

use crate::error::RouterError;
use crate::keys::VaultRefusal;

/// The domain of every `ErrorInfo` of this service.
pub const DOMAIN: &str = "router.latchkey";

/// When a caller may try again after a failure that passes.
const RETRY: Duration = Duration::from_secs(1);

impl From<RouterError> for Status {
    fn from(error: RouterError) -> Self {
        refusal(&error).into_status(DOMAIN)
    }
}

/// The reason of an error; also what its attempt records.
pub fn reason(error: &RouterError) -> &'static str {
    meaning(error).1
}

fn meaning(error: &RouterError) -> (Code, &'static str) {
    match error {
        RouterError::Denied(_) => (Code::PermissionDenied, "PERMISSION_DENIED"),
        RouterError::Field { field, .. } if field == "page_token" => {
            (Code::InvalidArgument, "PAGE_TOKEN_INVALID")
        }
        RouterError::Field { .. } => (Code::InvalidArgument, "FIELD_INVALID"),
        RouterError::Encode(error) => match error.kind {
            EncodeErrorKind::Invalid => (Code::InvalidArgument, "FIELD_INVALID"),
            EncodeErrorKind::UnsupportedByProvider => {
                (Code::InvalidArgument, "UNSUPPORTED_BY_PROVIDER")
            }
        },
        RouterError::Refused(refusal) => (refusal.code, refusal.reason),
        RouterError::VaultUnavailable => (Code::Unavailable, "VAULT_UNAVAILABLE"),
        RouterError::Destination(_) => (Code::FailedPrecondition, "DESTINATION_FORBIDDEN"),
        RouterError::Provider(error) => provider_meaning(error.class),
        RouterError::Unreachable(_) => (Code::Unavailable, "PROVIDER_UNAVAILABLE"),
        RouterError::Journal(_) => (Code::Unavailable, "JOURNAL_UNAVAILABLE"),
        RouterError::AttemptNotFound => (Code::NotFound, "ATTEMPT_NOT_FOUND"),
        RouterError::Store(_) => (Code::Unavailable, "DATABASE_UNAVAILABLE"),
    }
}

fn provider_meaning(class: ErrorClass) -> (Code, &'static str) {
    match class {
        ErrorClass::Revoked | ErrorClass::NoPermission => {
            (Code::FailedPrecondition, "PROVIDER_REJECTED_KEY")
        }
        ErrorClass::NoCredit => (Code::FailedPrecondition, "PROVIDER_NO_CREDIT"),
        ErrorClass::ModelUnavailable => (Code::FailedPrecondition, "MODEL_UNAVAILABLE"),
        ErrorClass::RejectedRequest => (Code::InvalidArgument, "PROVIDER_REJECTED_REQUEST"),
        ErrorClass::Throttled => (Code::ResourceExhausted, "PROVIDER_THROTTLED"),
        ErrorClass::Timeout => (Code::DeadlineExceeded, "PROVIDER_TIMEOUT"),
        ErrorClass::Truncated => (Code::Unavailable, "STREAM_TRUNCATED"),
        ErrorClass::Malformed => (Code::Unavailable, "PROVIDER_MALFORMED"),
        ErrorClass::Overloaded | ErrorClass::Unknown => (Code::Unavailable, "PROVIDER_UNAVAILABLE"),
    }
}

fn refusal(error: &RouterError) -> Refusal {
    let (code, reason) = meaning(error);
    let refusal = Refusal::new(code, reason, error.to_string());
    let refusal = match error {
        RouterError::Field { field, problem } => refusal.violation(field, problem),
        RouterError::Encode(error) => refusal.violation(&*error.field, &*error.words),
        RouterError::Refused(said) => handed_on(refusal, said),
        RouterError::Provider(error) => with_words(refusal, error),
        _ => refusal,
    };
    match code {
        Code::Unavailable | Code::ResourceExhausted => refusal.retry_after(delay(error)),
        _ => refusal,
    }
}

fn handed_on(refusal: Refusal, said: &VaultRefusal) -> Refusal {
    let facts = said.metadata.iter();
    let refusal = facts.fold(refusal, |refusal, (key, value)| refusal.with(key, value));
    let fields = said.violations.iter();
    fields.fold(refusal, |refusal, (field, problem)| refusal.violation(field, problem))
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
    match error {
        RouterError::Provider(error) => error.retry_after.unwrap_or(RETRY),
        _ => RETRY,
    }
}

#[cfg(test)]
mod tests;
