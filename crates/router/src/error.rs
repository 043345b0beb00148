//! Everything that a call to the router can fail with.

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

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The caller may not do that.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A field is not valid.
    #[error("{field} {problem}")]
    Field {
        /// Its path in the message.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The request can't be put in the provider's words.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The vault has no key for this request, and says why.
    #[error("{}", .0.message)]
    Refused(Box<VaultRefusal>),
    /// The vault can't be reached, and what was leased has lapsed.
    #[error("the vault is unreachable")]
    VaultUnavailable,
    /// The key may not be sent there.
    #[error("the key's address {0}")]
    Destination(#[from] EgressError),
    /// The provider did not answer as asked.
    #[error(transparent)]
    Provider(#[from] Box<ProviderError>),
    /// The provider could not be reached.
    #[error("the provider could not be reached: {0}")]
    Unreachable(&'static str),
    /// The provider failed several times in a row, and is left alone for a while.
    #[error("the provider failed repeatedly and is left alone for a while")]
    BreakerOpen(Duration),
    /// A call might cost more than the request expects.
    #[error("a call may cost more than `expectations.max_cost_nanos`")]
    CostLimitExceeded {
        /// What it may cost at most, in nano-dollars; none when nobody knows.
        highest_nanos: Option<i64>,
    },
    /// The caller's deadline passed.
    #[error("the deadline passed before there was an answer")]
    DeadlineExceeded,
    /// All that was tried failed; the last failure that tells something, and the attempts.
    #[error("{cause}")]
    Tried {
        /// The failure.
        cause: Box<RouterError>,
        /// The names of the attempts, in order.
        attempts: Vec<AttemptName>,
    },
    /// The attempt could not be written down, so it was not made.
    #[error("the journal could not be written")]
    Journal(#[from] JournalError),
    /// The model could not be shown all of the conversation, and the request is strict.
    #[error("the model can't be shown all of the conversation, and the request is strict")]
    LossySwitch(Vec<Loss>),
    /// There is no such session, or it is over.
    #[error("there is no such session")]
    SessionNotFound,
    /// There is a session of that name.
    #[error("there is a session of that name")]
    SessionExists,
    /// The transcript is full.
    #[error(transparent)]
    SessionTooLong(#[from] TooLong),
    /// The request id was used for another request.
    #[error("this request_id was used for another request")]
    RequestIdReused,
    /// Somebody else changed it meanwhile.
    #[error("it was changed meanwhile")]
    EtagMismatch,
    /// What the database holds is not what was written.
    #[error("the database holds something that was not written so: {0}")]
    Integrity(&'static str),
    /// There is no such attempt.
    #[error("there is no such attempt")]
    AttemptNotFound,
    /// There is no such model.
    #[error("there is no such model")]
    ModelNotFound,
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
}

impl RouterError {
    /// Why, in `UPPER_SNAKE`: what `ErrorInfo` says, and what an attempt records.
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

    /// The same, of a request that is a field of another.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        self.at(&|field| format!("{outer}.{field}"))
    }

    /// The same, with its fields where `place` puts them.
    #[must_use]
    pub fn at(mut self, place: &dyn Fn(&str) -> String) -> Self {
        match &mut self {
            Self::Field { field, .. } => *field = place(field),
            Self::Encode(error) => error.field = place(&error.field).into(),
            Self::LossySwitch(losses) => {
                for loss in losses {
                    loss.field = place(&loss.field);
                }
            }
            Self::Tried { cause, .. } => {
                let error = std::mem::replace(&mut **cause, Self::VaultUnavailable);
                **cause = error.at(place);
            }
            Self::Refused(refusal) => {
                for (field, _) in &mut refusal.violations {
                    *field = place(field);
                }
            }
            _ => {}
        }
        self
    }

    /// The same, after attempts that failed.
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

    /// The failure itself, without what was tried before.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Tried { cause, .. } => cause.cause(),
            error => error,
        }
    }

    /// How long to wait before the same may work.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.cause() {
            Self::Provider(error) => error.retry_after,
            Self::BreakerOpen(wait) => Some(*wait),
            _ => None,
        }
    }

    /// A timeout is the caller's own when its deadline has passed.
    #[must_use]
    pub fn or_late(self, deadline: Option<Instant>) -> Self {
        let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        match &self {
            Self::Provider(error) if late && error.class == ErrorClass::Timeout => {
                Self::DeadlineExceeded
            }
            _ => self,
        }
    }

    /// A field that is not valid.
    pub fn field(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.to_string(),
        }
    }

    /// A name that does not parse.
    pub fn name(field: &'static str) -> impl Fn(NameError) -> Self {
        move |error| Self::field(field, error)
    }
}

impl From<MaskError> for RouterError {
    fn from(error: MaskError) -> Self {
        Self::field("update_mask", error)
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
                UpstreamError::Broken => Self::Unreachable("the connection broke"),
                UpstreamError::Connect => Self::Unreachable("no connection could be made"),
                UpstreamError::Timeout => timeout(),
            },
            ExchangeError::Body(error) => error.into(),
        }
    }
}

impl From<BodyError> for RouterError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken => Self::Unreachable("the answer broke off"),
            BodyError::TooLarge => Self::Unreachable("the answer is too large"),
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
