//! The one table from what went wrong to what is said on the wire.

use std::time::Duration;

use latchkey_rpc::refusal::Refusal;
use tonic::{Code, Status};

use crate::custody::CustodyError;
use crate::domain::fallback::Fallback;
use crate::domain::resolution::{Exclusion, ResolutionRefusal};
use crate::domain::verification::ProviderMessage;
use crate::error::{Conflict, Noun, VaultError};
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
    let say = |code, reason| Refusal::new(code, reason, &words);
    match error {
        VaultError::Denied(denied) => (*denied).into(),
        VaultError::Field { field, problem } => {
            say(Code::InvalidArgument, field_reason(field)).violation(field, problem)
        }
        VaultError::MaterialRequired { field } => {
            say(Code::InvalidArgument, "MATERIAL_REQUIRED").violation(*field, words.as_str())
        }
        VaultError::KeyFormat(problem) => {
            say(Code::InvalidArgument, "KEY_FORMAT").violation(problem.field(), words.as_str())
        }
        VaultError::Destination { field, problem } => {
            say(Code::InvalidArgument, "DESTINATION_FORBIDDEN")
                .violation(field, problem.to_string())
        }
        VaultError::NotFound(noun) => say(Code::NotFound, noun.not_found()),
        VaultError::Conflict(conflict) => conflict_refusal(conflict, &words),
        VaultError::State(_) => say(Code::FailedPrecondition, "STATE_FORBIDS"),
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

fn field_reason(field: &str) -> &'static str {
    if field == "page_token" {
        "PAGE_TOKEN_INVALID"
    } else {
        "FIELD_INVALID"
    }
}

fn conflict_refusal(conflict: &Conflict, words: &str) -> Refusal {
    let say = |code, reason| Refusal::new(code, reason, words);
    match conflict {
        Conflict::DuplicateMaterial(key) => {
            say(Code::AlreadyExists, "DUPLICATE_MATERIAL").with("key", key.to_string())
        }
        Conflict::Etag => say(Code::Aborted, "ETAG_MISMATCH"),
        Conflict::Exists(noun) => say(Code::AlreadyExists, noun.exists()),
        Conflict::MemberExists(member) => say(Code::AlreadyExists, Noun::Member.exists())
            .violation("member.identity", words)
            .with("member", member.to_string()),
        Conflict::NotEmpty(noun) => say(Code::FailedPrecondition, noun.not_empty()),
        Conflict::RequestIdReused => {
            say(Code::AlreadyExists, "REQUEST_ID_REUSED").violation("request_id", words)
        }
    }
}

fn verification_refusal(failure: &TaskFailure, words: &str) -> Refusal {
    match failure {
        TaskFailure::NoRouter => {
            Refusal::new(Code::Unavailable, "NO_ROUTER_ATTACHED", words).retry_after(RETRY)
        }
        TaskFailure::Rejected(said) => {
            let refusal = Refusal::new(Code::FailedPrecondition, "PROVIDER_REJECTED_KEY", words);
            with_words(refusal, said)
        }
        TaskFailure::Unreachable(said) => {
            let refusal = Refusal::new(Code::Unavailable, "PROVIDER_UNAVAILABLE", words);
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
    let say = |reason| Refusal::new(Code::FailedPrecondition, reason, words);
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
        ResolutionRefusal::ProviderMismatch { expected, actual } => say("PROVIDER_MISMATCH")
            .violation("provider", words)
            .with("expected", expected.as_str())
            .with("actual", actual.as_str()),
        ResolutionRefusal::NamedUnusable { rule, detail } => unusable("KEY_UNUSABLE")
            .with("rule", rule.as_str())
            .with("detail", detail),
        ResolutionRefusal::PolicyForbids { rule } => {
            unusable("POLICY_FORBIDS").with("rule", rule.as_str())
        }
        ResolutionRefusal::ExpectationUnmet { exclusions } => {
            exclusions.iter().fold(unusable("EXPECTATION_UNMET"), each)
        }
        ResolutionRefusal::NoneUsable { exclusions } => {
            exclusions.iter().fold(unusable("OWN_KEY_REQUIRED"), each)
        }
    }
}

fn session_refusal(session: SessionError, words: &str) -> Refusal {
    match session {
        SessionError::Fenced => Refusal::new(Code::Aborted, "SESSION_FENCED", words),
        SessionError::HelloRequired => {
            Refusal::new(Code::InvalidArgument, "HELLO_REQUIRED", words).violation("hello", words)
        }
        SessionError::Unknown => Refusal::new(Code::FailedPrecondition, "SESSION_UNKNOWN", words),
    }
}

fn custody_refusal(custody: &CustodyError) -> Refusal {
    match custody {
        CustodyError::Integrity => {
            Refusal::new(Code::DataLoss, "INTEGRITY", "integrity check failed")
        }
        // Somebody else changed the row first; the same call may succeed now.
        CustodyError::Store(StoreError::Conflict | StoreError::Exists(_)) => Refusal::new(
            Code::Aborted,
            "CONCURRENT_CHANGE",
            "changed by somebody else: try again",
        ),
        CustodyError::Store(_) => Refusal::new(
            Code::Unavailable,
            "DATABASE_UNAVAILABLE",
            "the database is unavailable",
        )
        .retry_after(RETRY),
        CustodyError::RootKeyMissing => {
            let words = "the keyring lacks a root key that is in use: ask the operator";
            Refusal::new(Code::FailedPrecondition, "ROOT_KEY_MISSING", words)
        }
        CustodyError::Randomness | CustodyError::Seal(_) => {
            Refusal::new(Code::Internal, "SEALING_FAILED", "sealing failed")
        }
    }
}

#[cfg(test)]
mod tests;
