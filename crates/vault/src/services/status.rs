//! The one table from what went wrong to what is said on the wire.

use std::time::Duration;

use latchkey_contract::Reason;
use latchkey_rpc::refusal::Refusal;
use tonic::Status;

use crate::custody::CustodyError;
use crate::domain::fallback::Fallback;
use crate::domain::resolution::{Exclusion, ResolutionRefusal};
use crate::domain::verification::ProviderMessage;
use crate::error::{Conflict, Nameable, VaultError};
use crate::leasing::SessionError;
use crate::leasing::verification_tasks::TaskFailure;
use crate::store::StoreError;

/// The domain of every `ErrorInfo` of this service.
pub(super) const DOMAIN: &str = "vault.latchkey";

/// What the router alone is told: whom the workspace asks instead, one `{provider}/{model}` per line.
pub(super) const FALLBACKS: &str = "fallbacks";

/// When a caller may try again after a failure that passes.
const RETRY: Duration = Duration::from_secs(1);

impl From<VaultError> for Status {
    fn from(error: VaultError) -> Self {
        refusal(&error).into_status(DOMAIN)
    }
}

/// The refusal of an error: the reason is also what the audit log records.
pub(super) fn refusal(error: &VaultError) -> Refusal {
    let words = error.to_string();
    let say = |reason| Refusal::new(reason, &words);
    match error {
        VaultError::Denied(denied) => (*denied).into(),
        VaultError::Field { field, problem } => say(field_reason(field)).violation(field, problem),
        VaultError::MaterialRequired { field } => {
            say(Reason::MaterialRequired).violation(*field, words.as_str())
        }
        VaultError::KeyFormat(problem) => {
            say(Reason::KeyFormat).violation(problem.field(), words.as_str())
        }
        VaultError::Destination { field, problem } => {
            say(Reason::DestinationForbidden).violation(field, problem.to_string())
        }
        VaultError::NotFound(noun) => say(noun.not_found()),
        VaultError::Conflict(conflict) => conflict_refusal(conflict, &words),
        VaultError::State(_) => say(Reason::StateForbids),
        VaultError::Verification(failure) => verification_refusal(failure, &words),
        VaultError::Resolution { refusal, fallbacks } => {
            resolution_refusal(refusal, fallbacks, &words)
        }
        VaultError::InitialKey { index, problem } => {
            refusal(problem).within(&format!("initial_keys[{index}]"))
        }
        VaultError::Session(session) => session_refusal(*session, &words),
        VaultError::Custody(custody) => custody_refusal(custody),
    }
}

fn field_reason(field: &str) -> Reason {
    if field == "page_token" {
        Reason::PageTokenInvalid
    } else {
        Reason::FieldInvalid
    }
}

fn conflict_refusal(conflict: &Conflict, words: &str) -> Refusal {
    let say = |reason| Refusal::new(reason, words);
    match conflict {
        Conflict::DuplicateMaterial(key) => {
            say(Reason::DuplicateMaterial).with("key", key.to_string())
        }
        Conflict::Etag => say(Reason::EtagMismatch),
        Conflict::Exists(noun) => say(noun.exists()),
        Conflict::MemberExists(member) => say(Nameable::Member.exists())
            .violation("member.identity", words)
            .with("member", member.to_string()),
        Conflict::NotEmpty(noun) => say(noun.not_empty()),
        Conflict::RequestIdReused => say(Reason::RequestIdReused).violation("request_id", words),
    }
}

fn verification_refusal(failure: &TaskFailure, words: &str) -> Refusal {
    match failure {
        TaskFailure::NoRouter => Refusal::new(Reason::NoRouterConnected, words).retry_after(RETRY),
        TaskFailure::Rejected(said) => {
            let refusal = Refusal::new(Reason::ProviderRejectedKey, words);
            with_words(refusal, said)
        }
        TaskFailure::Unreachable(said) => {
            let refusal = Refusal::new(Reason::ProviderUnavailable, words);
            with_words(refusal, said).retry_after(RETRY)
        }
    }
}

fn with_words(refusal: Refusal, said: &ProviderMessage) -> Refusal {
    refusal
        .with("provider_status", said.http_status.to_string())
        .with("provider_code", &said.code)
        .with("provider_message", &said.message)
}

fn resolution_refusal(
    resolution: &ResolutionRefusal,
    fallbacks: &[Fallback],
    words: &str,
) -> Refusal {
    let say = |reason| Refusal::new(reason, words);
    // Where no key can be used, another model may do.
    let unusable = |reason| match fallbacks {
        [] => say(reason),
        fallbacks => {
            let lines: Vec<_> = fallbacks.iter().map(ToString::to_string).collect();
            say(reason).with(FALLBACKS, lines.join("\n"))
        }
    };
    let each = |refusal: Refusal, exclusion: &Exclusion| {
        refusal.with(&exclusion.key.to_string(), exclusion.rule.as_str())
    };
    match resolution {
        ResolutionRefusal::ProviderMismatch { expected, actual } => say(Reason::ProviderMismatch)
            .violation("provider", words)
            .with("expected", expected.as_str())
            .with("actual", actual.as_str()),
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

fn session_refusal(session: SessionError, words: &str) -> Refusal {
    match session {
        SessionError::Fenced => Refusal::new(Reason::RouterSessionFenced, words),
        SessionError::HelloRequired => {
            Refusal::new(Reason::HelloRequired, words).violation("hello", words)
        }
        SessionError::Unknown => Refusal::new(Reason::RouterSessionUnknown, words),
    }
}

fn custody_refusal(custody: &CustodyError) -> Refusal {
    match custody {
        // The row is named to the operator alone.
        CustodyError::Integrity(_) => Refusal::new(Reason::Integrity, "integrity check failed"),
        // Somebody else changed the row first; the same call may succeed now.
        CustodyError::Store(StoreError::Conflict | StoreError::Exists(_)) => Refusal::new(
            Reason::ConcurrentChange,
            "changed by somebody else: try again",
        ),
        CustodyError::Store(_) => {
            Refusal::new(Reason::DatabaseUnavailable, "the database is unavailable")
                .retry_after(RETRY)
        }
        CustodyError::RootKeyMissing => {
            let words = "the keyring lacks a root key that is in use: ask the operator";
            Refusal::new(Reason::RootKeyMissing, words)
        }
        CustodyError::Randomness | CustodyError::Seal(_) => {
            Refusal::new(Reason::SealingFailed, "sealing failed")
        }
    }
}

#[cfg(test)]
mod tests;
