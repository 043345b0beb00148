//! The errors of calls to the router, with their texts and reasons. `services/status.rs` turns them
//! into gRPC statuses.

use std::time::Duration;

use latchkey_contract::Reason;
use latchkey_contract::names::NameError;
use latchkey_contract::router::v1::Loss;
use latchkey_egress::EgressError;
use latchkey_providers::encode::{EncodeError, EncodeErrorKind};
use latchkey_providers::{ErrorClass, ProviderError};
use latchkey_rpc::access::Denied;
use latchkey_rpc::mask::MaskError;
use latchkey_rpc::page::PageTokenError;
use tokio::time::Instant;

use crate::domain::attempt::{Attempt, AttemptName};
use crate::domain::refusal::VaultRefusal;
use crate::domain::session::TooLong;
use crate::health::Unavailable;
use crate::ledger::JournalError;
use crate::provider_call::{BodyError, ExchangeError, TokenError, UpstreamError};
use crate::store::StoreError;

/// The error of a call. Its text goes to the caller; its sources go only to the log.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The caller's roles don't allow the method.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A field is not valid.
    #[error("{field} {problem}")]
    Field {
        /// The field's path in the request.
        field: String,
        /// The predicate of the text, such as `is required`.
        problem: String,
    },
    /// The request can't be encoded in the provider's format.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The vault refused the request. The text is the vault's message.
    #[error("{}", .0.message)]
    Refused(Box<VaultRefusal>),
    /// The vault can't be reached, and the router has no valid lease, data key or member role.
    #[error("the vault can't be reached; retry later")]
    VaultUnavailable,
    /// The egress policy forbids the key's address.
    #[error("the key can't be used: its address {0}")]
    Destination(EgressError),
    /// The provider refused the call, or its answer can't be used.
    #[error(transparent)]
    Provider(#[from] Box<ProviderError>),
    /// The exchange with the provider failed below its protocol, for this reason.
    #[error("the call to the provider failed: {0}")]
    Unreachable(&'static str),
    /// Calls with the key are paused for this long, because its provider failed repeatedly.
    #[error("calls with this key are paused after repeated failures of its provider; retry later")]
    BreakerOpen(Duration),
    /// A call may cost more than the request allows.
    #[error(
        "the call may cost more than expectations.max_cost_nanos, or its price is unknown; raise \
         the limit or reduce the maximum output"
    )]
    CostLimitExceeded {
        /// The highest possible cost in nano-dollars; none where the price is unknown.
        highest_nanos: Option<i64>,
    },
    /// The caller's deadline passed.
    #[error("the deadline of the call passed before its answer was complete; allow more time")]
    DeadlineExceeded,
    /// A call failed after attempts. The text is that of the cause.
    #[error("{cause}")]
    Tried {
        /// The most informative failure.
        cause: Box<RouterError>,
        /// The names of the attempts, in order.
        attempts: Vec<AttemptName>,
    },
    /// The attempt could not be recorded, so the provider was not called; or randomness failed.
    #[error("the router's journal is not available; retry later")]
    Journal(#[from] JournalError),
    /// The model can't take the whole conversation, and the request is strict.
    #[error(
        "the request is strict, and the model can't take parts of the conversation; choose \
         another model or unset `strict`"
    )]
    LossySwitch(Vec<Loss>),
    /// The session does not exist, or has expired.
    #[error("the session does not exist, or has expired")]
    SessionNotFound,
    /// Another request is adding a turn to the session.
    #[error("another request is adding a turn to the session; retry after its answer")]
    SessionBusy,
    /// The session has a later turn than the request follows.
    #[error("the session has a later turn than `after_turn`; read it with ListTurns")]
    SessionContinued,
    /// The name of a new session is taken.
    #[error("a session of this name already exists; choose another session_id")]
    SessionExists,
    /// The transcript is full.
    #[error(transparent)]
    SessionTooLong(#[from] TooLong),
    /// The request id was used for another request.
    #[error("this request_id was used for a different request; choose a new one")]
    RequestIdReused,
    /// A concurrent change came first.
    #[error("the session was changed concurrently; read it again and retry")]
    EtagMismatch,
    /// A stored value fails its integrity check. The text names its row and what is wrong with it.
    #[error("integrity check failed: {0}")]
    Integrity(String),
    /// The attempt does not exist, or is not visible to the caller.
    #[error("the attempt does not exist")]
    AttemptNotFound,
    /// The catalogue has no such model.
    #[error("the catalogue has no such model")]
    ModelNotFound,
    /// The database failed.
    #[error("the database is not available; retry later")]
    Store(#[source] StoreError),
}

impl From<StoreError> for RouterError {
    fn from(error: StoreError) -> Self {
        match error {
            // A retry can't help.
            StoreError::Inconsistent { .. } => Self::Integrity(error.to_string()),
            other => Self::Store(other),
        }
    }
}

impl RouterError {
    /// The reason for `ErrorInfo` and for the attempt's record.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Denied(_) => Reason::PermissionDenied,
            Self::Field { field, .. } if field == "page_token" => Reason::PageTokenInvalid,
            Self::Field { .. } => Reason::FieldInvalid,
            Self::Encode(error) => match error.kind {
                EncodeErrorKind::Invalid => Reason::FieldInvalid,
                EncodeErrorKind::UnsupportedByProvider => Reason::UnsupportedByProvider,
            },
            Self::Refused(refusal) => refusal.reason,
            Self::VaultUnavailable => Reason::VaultUnavailable,
            Self::Destination(_) => Reason::EgressForbidden,
            Self::Provider(error) => match error.class {
                ErrorClass::Revoked | ErrorClass::NoPermission => Reason::ProviderRejectedKey,
                ErrorClass::NoCredit => Reason::ProviderNoCredit,
                ErrorClass::ModelUnavailable => Reason::ModelUnavailable,
                ErrorClass::RejectedRequest => Reason::ProviderRejectedRequest,
                ErrorClass::Throttled => Reason::ProviderThrottled,
                ErrorClass::Timeout => Reason::ProviderTimeout,
                ErrorClass::Truncated => Reason::StreamTruncated,
                ErrorClass::Malformed => Reason::ProviderMalformed,
                ErrorClass::Overloaded | ErrorClass::Unknown => Reason::ProviderUnavailable,
            },
            Self::Unreachable(_) | Self::BreakerOpen(_) => Reason::ProviderUnavailable,
            Self::CostLimitExceeded { .. } => Reason::ExpectationUnmet,
            Self::DeadlineExceeded => Reason::DeadlineExceeded,
            Self::Tried { cause, .. } => cause.reason(),
            Self::Journal(_) => Reason::JournalUnavailable,
            Self::LossySwitch(_) => Reason::LossySwitch,
            Self::SessionNotFound => Reason::SessionNotFound,
            Self::SessionBusy => Reason::SessionBusy,
            Self::SessionContinued => Reason::SessionContinued,
            Self::SessionExists => Reason::SessionExists,
            Self::SessionTooLong(_) => Reason::SessionTooLong,
            Self::RequestIdReused => Reason::RequestIdReused,
            Self::EtagMismatch => Reason::EtagMismatch,
            Self::Integrity(_) => Reason::Integrity,
            Self::AttemptNotFound => Reason::AttemptNotFound,
            Self::ModelNotFound => Reason::ModelNotFound,
            Self::Store(_) => Reason::DatabaseUnavailable,
        }
    }

    /// The error with its fields below `outer`, for a request that is a field of another message.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        self.map_fields(&|field| format!("{outer}.{field}"))
    }

    /// The error with each of its field paths replaced by `map`.
    #[must_use]
    pub fn map_fields(mut self, map: &dyn Fn(&str) -> String) -> Self {
        match &mut self {
            Self::Field { field, .. } => *field = map(field),
            Self::Encode(error) => error.field = map(&error.field).into(),
            Self::LossySwitch(losses) => {
                for loss in losses {
                    loss.field = map(&loss.field);
                }
            }
            Self::Tried { cause, .. } => {
                let error = std::mem::replace(&mut **cause, Self::VaultUnavailable);
                **cause = error.map_fields(map);
            }
            Self::Refused(refusal) => {
                for (field, _) in &mut refusal.violations {
                    *field = map(field);
                }
            }
            _ => {}
        }
        self
    }

    /// The error with the names of the attempts before it; unchanged without attempts.
    #[must_use]
    pub fn after(self, attempts: &[Attempt]) -> Self {
        if attempts.is_empty() {
            return self;
        }
        Self::Tried {
            cause: Box::new(self),
            attempts: attempts.iter().map(Attempt::name).collect(),
        }
    }

    /// The error without the attempts before it.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Tried { cause, .. } => cause.cause(),
            error => error,
        }
    }

    /// The time until a retry may succeed, where it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.cause() {
            Self::Provider(error) => error.retry_after,
            Self::BreakerOpen(wait) => Some(*wait),
            _ => None,
        }
    }

    /// `DeadlineExceeded` in place of a provider's time-out, once the caller's deadline has passed.
    #[must_use]
    pub fn or_deadline_exceeded(self, deadline: Option<Instant>) -> Self {
        let has_passed = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        match &self {
            Self::Provider(error) if has_passed && error.class == ErrorClass::Timeout => {
                Self::DeadlineExceeded
            }
            _ => self,
        }
    }

    /// An invalid field. The text is the field and then the problem.
    pub fn field(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.to_string(),
        }
    }

    /// The conversion of a name's parse error to an error of its field.
    pub fn name(field: &'static str) -> impl Fn(NameError) -> Self {
        move |error| Self::field(field, error)
    }
}

impl From<MaskError> for RouterError {
    fn from(error: MaskError) -> Self {
        Self::field("update_mask", error)
    }
}

impl From<EgressError> for RouterError {
    fn from(error: EgressError) -> Self {
        Self::Destination(error)
    }
}

impl From<PageTokenError> for RouterError {
    fn from(error: PageTokenError) -> Self {
        Self::field("page_token", error)
    }
}

impl From<Unavailable> for RouterError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::BreakerOpen { wait } => Self::BreakerOpen(wait),
            Unavailable::CoolingDown { wait, error } => Self::Provider(Box::new(ProviderError {
                retry_after: Some(wait),
                ..*error
            })),
        }
    }
}

impl From<ProviderError> for RouterError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(Box::new(error))
    }
}

impl From<ExchangeError> for RouterError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Upstream(error) => match error {
                UpstreamError::Broken => {
                    Self::Unreachable("the connection broke before the answer")
                }
                UpstreamError::Connect => Self::Unreachable("no connection was established"),
                UpstreamError::Timeout => timeout(),
            },
            ExchangeError::Body(error) => error.into(),
        }
    }
}

impl From<BodyError> for RouterError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken => Self::Unreachable("the connection broke within the answer"),
            BodyError::TooLarge => Self::Unreachable("the answer exceeds 64 MiB"),
            BodyError::Timeout => timeout(),
        }
    }
}

impl From<TokenError> for RouterError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NoIssuer => {
                Self::Unreachable("the key can't be exchanged for an access token")
            }
            TokenError::Encode(error) => error.into(),
            TokenError::Exchange(error) => error.into(),
            TokenError::Provider(error) => Self::Provider(error),
        }
    }
}

fn timeout() -> RouterError {
    ProviderError::new(ErrorClass::Timeout, "the provider did not answer in time").into()
}
