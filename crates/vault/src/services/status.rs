//! The one table from errors to refusals on the wire.

use std::time::Duration;

use latchkey_contract::{FALLBACKS_METADATA, Reason, encode_fallbacks};
use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use crate::custody::CustodyError;
use crate::domain::fallback::Fallback;
use crate::domain::resolution::{Exclusion, ResolutionRefusal};
use crate::domain::verification::ProviderMessage;
use crate::error::{Conflict, Nameable, VaultError};
use crate::leasing::RouterSessionError;
use crate::leasing::verification_tasks::TaskFailure;
use crate::store::StoreError;

/// The domain of every `ErrorInfo` of this service.
pub(super) const DOMAIN: &str = "vault.latchkey";

/// The time after which a caller may try again after a temporary failure.
const RETRY: Duration = Duration::from_secs(1);

impl From<VaultError> for Status {
    fn from(error: VaultError) -> Self {
        refusal(&error).into_status(DOMAIN)
    }
}

/// The refusal of an error: the reason is also what the audit log records.
pub(super) fn refusal(error: &VaultError) -> Refusal {
    let message = error.to_string();
    let refuse = |reason| Refusal::new(reason, &message);
    match error {
        VaultError::Denied(denied) => (*denied).into(),
        VaultError::Field { field, problem } => {
            refuse(field_reason(field)).violation(field, problem)
        }
        VaultError::MaterialRequired { field } => {
            refuse(Reason::MaterialRequired).violation(*field, message.as_str())
        }
        VaultError::KeyFormat(problem) => {
            refuse(Reason::KeyFormat).violation(problem.field(), message.as_str())
        }
        VaultError::Destination { field, problem } => {
            refuse(Reason::DestinationForbidden).violation(field, problem.to_string())
        }
        VaultError::NotFound(noun) => refuse(noun.not_found()),
        VaultError::Conflict(conflict) => conflict_refusal(conflict, &message),
        VaultError::State(_) => refuse(Reason::StateForbids),
        VaultError::Verification(failure) => verification_refusal(failure, &message),
        VaultError::Resolution { refusal, fallbacks } => {
            resolution_refusal(refusal, fallbacks, &message)
        }
        VaultError::InitialKey { index, problem } => {
            refusal(problem).within(&format!("initial_keys[{index}]"))
        }
        VaultError::RouterSession(session) => session_refusal(*session, &message),
        VaultError::Custody(custody) => custody_refusal(custody),
        VaultError::Overtaken(_) => Refusal::new(Reason::ConcurrentChange, error.to_string()),
    }
}

fn field_reason(field: &str) -> Reason {
    if field == "page_token" {
        Reason::PageTokenInvalid
    } else {
        Reason::FieldInvalid
    }
}

fn conflict_refusal(conflict: &Conflict, message: &str) -> Refusal {
    let refuse = |reason| Refusal::new(reason, message);
    match conflict {
        Conflict::DuplicateMaterial(key) => {
            refuse(Reason::DuplicateMaterial).with("key", key.to_string())
        }
        Conflict::Etag => refuse(Reason::EtagMismatch),
        Conflict::Exists(noun) => refuse(noun.exists()),
        Conflict::MemberExists(member) => refuse(Nameable::Member.exists())
            .violation("member.identity", message)
            .with("member", member.to_string()),
        Conflict::NotEmpty(noun) => refuse(noun.not_empty()),
        Conflict::RequestIdReused => {
            refuse(Reason::RequestIdReused).violation("request_id", message)
        }
    }
}

fn verification_refusal(failure: &TaskFailure, message: &str) -> Refusal {
    match failure {
        TaskFailure::NoRouter => {
            Refusal::new(Reason::NoRouterConnected, message).retry_after(RETRY)
        }
        TaskFailure::Rejected(provider_message) => {
            let refusal = Refusal::new(Reason::ProviderRejectedKey, message);
            with_provider_message(refusal, provider_message)
        }
        TaskFailure::Unreachable(provider_message) => {
            let refusal = Refusal::new(Reason::ProviderUnavailable, message);
            with_provider_message(refusal, provider_message).retry_after(RETRY)
        }
    }
}

fn with_provider_message(refusal: Refusal, message: &ProviderMessage) -> Refusal {
    refusal
        .with("provider_status", message.http_status.to_string())
        .with("provider_code", &message.code)
        .with("provider_message", &message.message)
}

fn resolution_refusal(
    resolution: &ResolutionRefusal,
    fallbacks: &[Fallback],
    message: &str,
) -> Refusal {
    let refuse = |reason| Refusal::new(reason, message);
    // Where no key can be used, a fallback model may be.
    let unusable = |reason| match fallbacks {
        [] => refuse(reason),
        fallbacks => {
            let pairs = fallbacks.iter();
            let pairs = pairs.map(|fallback| (fallback.provider, &*fallback.model));
            refuse(reason).with(FALLBACKS_METADATA, encode_fallbacks(pairs))
        }
    };
    let each = |refusal: Refusal, exclusion: &Exclusion| {
        refusal.with(&exclusion.key.to_string(), exclusion.rule.as_str())
    };
    match resolution {
        ResolutionRefusal::ProviderMismatch { expected, actual } => {
            refuse(Reason::ProviderMismatch)
                .violation("provider", message)
                .with("expected", expected.as_str())
                .with("actual", actual.as_str())
        }
        ResolutionRefusal::NamedUnusable { rule, detail } => unusable(Reason::KeyUnusable)
            .with("rule", rule.as_str())
            .with("detail", detail),
        ResolutionRefusal::PolicyForbids { rule } => {
            unusable(Reason::PolicyForbids).with("rule", rule.as_str())
        }
        ResolutionRefusal::ExpectationUnmet { exclusions } => exclusions
            .iter()
            .fold(unusable(Reason::ExpectationUnmet), each),
        ResolutionRefusal::NoneUsable { exclusions } => exclusions
            .iter()
            .fold(unusable(Reason::OwnKeyRequired), each),
    }
}

fn session_refusal(session: RouterSessionError, message: &str) -> Refusal {
    match session {
        RouterSessionError::Fenced => Refusal::new(Reason::RouterSessionFenced, message),
        RouterSessionError::HelloRequired => {
            Refusal::new(Reason::HelloRequired, message).violation("hello", message)
        }
        RouterSessionError::Unknown => Refusal::new(Reason::RouterSessionUnknown, message),
    }
}

fn custody_refusal(custody: &CustodyError) -> Refusal {
    match custody {
        // The row is named to the operator alone.
        CustodyError::Integrity(_) => Refusal::new(Reason::Integrity, "integrity check failed"),
        // Another call changed the row first; this call may succeed when it is repeated.
        CustodyError::Store(StoreError::Conflict | StoreError::Exists(_)) => Refusal::new(
            Reason::ConcurrentChange,
            "another call changed the resource first: try again",
        ),
        CustodyError::Store(_) => Refusal::new(
            Reason::DatabaseUnavailable,
            "the database is unavailable: try again",
        )
        .retry_after(RETRY),
        CustodyError::RootKeyMissing => {
            let message =
                "the keyring lacks a root key that is in use: the operator must restore it";
            Refusal::new(Reason::RootKeyMissing, message)
        }
        CustodyError::Randomness | CustodyError::Seal(_) => {
            Refusal::new(Reason::SealingFailed, "sealing failed")
        }
    }
}

#[cfg(test)]
mod tests;
