//! Events of the audit log.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::Reason;

/// The actor and the method of an event.
#[derive(Clone, Debug)]
pub struct Act {
    /// A SPIFFE ID, `token:{name}`, or `system`.
    pub actor: Arc<str>,
    /// The path of the method, or the internal act.
    pub method: String,
}

impl Act {
    /// An act of the vault itself.
    pub fn system(act: &str) -> Self {
        Self {
            actor: "system".into(),
            method: act.to_owned(),
        }
    }
}

/// The outcome of an act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Done, in the transaction of the event.
    Done,
    /// A stored row or sealed value failed its integrity check.
    IntegrityFailure,
    /// Refused.
    Refused,
}

impl Decision {
    /// The word for it in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::IntegrityFailure => "integrity_failure",
            Self::Refused => "refused",
        }
    }

    /// The decision that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Done, Self::IntegrityFailure, Self::Refused]
            .into_iter()
            .find(|decision| decision.as_str() == text)
    }
}

/// An act that was done or refused. It gets its sequence number when it is written.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Its place in its scope; 0 until it is written.
    pub sequence: u64,
    /// The time.
    pub time: Timestamp,
    /// The actor and the method.
    pub act: Act,
    /// The name of the resource.
    pub resource: String,
    /// The outcome.
    pub decision: Decision,
    /// The reason of a refusal; empty for an act that was done.
    pub reason: String,
    /// The changed fields and other facts, without secrets.
    pub details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// An act that is being done.
    pub fn done(act: &Act, resource: impl std::fmt::Display, time: Timestamp) -> Self {
        Self {
            sequence: 0,
            time,
            act: act.clone(),
            resource: resource.to_string(),
            decision: Decision::Done,
            reason: String::new(),
            details: BTreeMap::new(),
        }
    }

    /// An act that was refused.
    pub fn refused(
        act: &Act,
        resource: impl std::fmt::Display,
        decision: Decision,
        reason: Reason,
        time: Timestamp,
    ) -> Self {
        let reason = reason.as_str().to_owned();
        Self {
            decision,
            reason,
            ..Self::done(act, resource, time)
        }
    }

    /// A row that failed its integrity check. `failure` names the row.
    pub fn damaged(
        act: &Act,
        resource: impl std::fmt::Display,
        failure: impl std::fmt::Display,
        time: Timestamp,
    ) -> Self {
        let decision = Decision::IntegrityFailure;
        Self::refused(act, resource, decision, Reason::Integrity, time).with("failure", failure)
    }

    /// With a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}
