//! What a failed call means: for the key, and for another try.

use std::time::Duration;

use latchkey_contract::Reason;
use latchkey_providers::{ErrorClass, ProviderError};

use super::Dispatcher;
use crate::error::RouterError;
use crate::keys::{Lease, TokenError, provider_refusal};
use crate::upstream::{BodyError, UpstreamError};

/// What to do after a failed call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// The same may work in a moment.
    Again,
    /// Another key may work; this one does not.
    AnotherKey,
    /// Another model may work; no key of this one does.
    AnotherModel,
    /// Nothing else would work either: the request itself is at fault, or this router.
    GiveUp,
}

/// What may help after an error.
pub(super) fn next(error: &RouterError) -> Next {
    match error {
        RouterError::Provider(error) => match (error.class, error.should_retry) {
            (ErrorClass::RejectedRequest, _) => Next::GiveUp,
            (
                ErrorClass::ModelUnavailable
                | ErrorClass::NoCredit
                | ErrorClass::NoPermission
                | ErrorClass::Revoked
                | ErrorClass::Throttled,
                _,
            ) => Next::AnotherKey,
            (_, Some(true))
            | (ErrorClass::Overloaded | ErrorClass::Timeout | ErrorClass::Truncated, None) => {
                Next::Again
            }
            // It may have been billed, and nobody knows what it is; or its provider asks for it.
            (_, Some(false)) | (ErrorClass::Malformed | ErrorClass::Unknown, None) => {
                Next::AnotherModel
            }
        },
        RouterError::Unreachable(_) => Next::Again,
        // A key of another provider may be shown all of it, or the next model.
        RouterError::Destination(_) | RouterError::BreakerOpen(_) | RouterError::LossySwitch(_) => {
            Next::AnotherKey
        }
        RouterError::CostLimitExceeded { .. } => Next::AnotherModel,
        RouterError::Refused(refusal) => match refusal.reason {
            Reason::ExpectationUnmet
            | Reason::KeyUnusable
            | Reason::OwnKeyRequired
            | Reason::PolicyForbids => Next::AnotherModel,
            _ => Next::GiveUp,
        },
        _ => Next::GiveUp,
    }
}

/// Whether the key is good, and will be free again.
pub(super) fn is_throttled(error: &RouterError) -> bool {
    matches!(error, RouterError::Provider(error) if error.class == ErrorClass::Throttled)
}

/// Whether a key was passed over for what the request demands: nothing is wrong with the key, and nobody
/// was asked.
pub(super) fn is_of_the_request(error: &RouterError) -> bool {
    matches!(
        error,
        RouterError::Encode(_)
            | RouterError::LossySwitch(_)
            | RouterError::CostLimitExceeded { .. }
    )
}

/// Whether a provider was met.
pub(super) fn tells_of_a_call(error: &RouterError) -> bool {
    matches!(
        error,
        RouterError::Provider(_) | RouterError::Unreachable(_) | RouterError::DeadlineExceeded
    )
}

/// Learns from a failed call: the next ones need not make the same experience.
pub(super) fn learn(dispatcher: &Dispatcher, lease: &Lease, model: &str, error: &RouterError) {
    let (health, config) = (&dispatcher.health, &dispatcher.attempts);
    let now = dispatcher.clock.boottime();
    let version = lease.key_version();
    let error = match error {
        RouterError::Provider(error) => error,
        RouterError::Unreachable(_) => return health.failed(version, now),
        _ => return,
    };
    let cool_down = |pause: Duration| health.cool_down(version, model, now + pause, error);
    match error.class {
        ErrorClass::Overloaded | ErrorClass::Timeout => return health.failed(version, now),
        ErrorClass::Throttled => cool_down(error.retry_after.unwrap_or(config.throttled_pause)),
        // A right or a model may be missing for this model alone.
        ErrorClass::NoCredit | ErrorClass::NoPermission => cool_down(config.refused_pause),
        // The vault sets it cool_downs for everybody.
        ErrorClass::Revoked => dispatcher.keys.report(lease, provider_refusal(error)),
        _ => {}
    }
    health.answered(version);
}

impl From<UpstreamError> for RouterError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Connect => Self::Unreachable("no connection could be made"),
            UpstreamError::Broken => Self::Unreachable("the connection broke"),
            UpstreamError::Timeout => timeout(),
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
            TokenError::NoIssuer => Self::Unreachable("no token can be got for this key"),
            TokenError::Encode(error) => error.into(),
            TokenError::Upstream(error) => error.into(),
            TokenError::Body(error) => error.into(),
            TokenError::Provider(error) => Self::Provider(error),
        }
    }
}

fn timeout() -> RouterError {
    ProviderError::new(ErrorClass::Timeout, "it did not answer in time").into()
}
