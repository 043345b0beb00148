//! Classifies failed calls: the effect on the key, and the remedy.

use std::time::Duration;

use latchkey_providers::ErrorClass;

use super::Dispatcher;
use crate::error::RouterError;
use crate::leases::Lease;

/// What may help after a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Remedy {
    /// The same call may succeed in a moment.
    Retry,
    /// Another key may succeed.
    AnotherKey,
    /// Another model may succeed; no key of this one does.
    AnotherModel,
    /// Nothing: the request itself is at fault, or this router.
    None,
}

/// What may help after an error.
pub(super) fn remedy(error: &RouterError) -> Remedy {
    match error {
        RouterError::Provider(error) => match (error.class, error.should_retry) {
            (ErrorClass::RejectedRequest, _) => Remedy::None,
            (
                ErrorClass::ModelUnavailable
                | ErrorClass::NoCredit
                | ErrorClass::NoPermission
                | ErrorClass::Revoked
                | ErrorClass::Throttled,
                _,
            ) => Remedy::AnotherKey,
            (_, Some(true))
            | (ErrorClass::Overloaded | ErrorClass::Timeout | ErrorClass::Truncated, None) => {
                Remedy::Retry
            }
            // It may have been billed, and its cause is unknown; or the provider asks for it.
            (_, Some(false)) | (ErrorClass::Malformed | ErrorClass::Unknown, None) => {
                Remedy::AnotherModel
            }
        },
        RouterError::Unreachable(_) => Remedy::Retry,
        // A key of another provider may take the whole request, or the next model.
        RouterError::Destination(_) | RouterError::BreakerOpen(_) | RouterError::LossySwitch(_) => {
            Remedy::AnotherKey
        }
        RouterError::CostLimitExceeded { .. } => Remedy::AnotherModel,
        RouterError::Refused(refusal) if refusal.leaves_other_models() => Remedy::AnotherModel,
        _ => Remedy::None,
    }
}

/// Whether the key works, and will be free again.
pub(super) fn is_throttled(error: &RouterError) -> bool {
    matches!(error, RouterError::Provider(error) if error.class == ErrorClass::Throttled)
}

/// Whether a key was skipped because of the request's own demands: the key has not failed, and no
/// provider was called.
pub(super) fn is_of_the_request(error: &RouterError) -> bool {
    matches!(
        error,
        RouterError::CostLimitExceeded { .. }
            | RouterError::Encode(_)
            | RouterError::LossySwitch(_)
    )
}

/// Whether a provider was called.
pub(super) fn is_of_a_call(error: &RouterError) -> bool {
    matches!(
        error,
        RouterError::DeadlineExceeded | RouterError::Provider(_) | RouterError::Unreachable(_)
    )
}

/// Records a failed call: later requests need not repeat it.
pub(super) fn record(dispatcher: &Dispatcher, lease: &Lease, model: &str, error: &RouterError) {
    let (health, config) = (&dispatcher.health, &dispatcher.attempts);
    let now = dispatcher.clock.boottime();
    let version = lease.key_version_uid();
    let error = match error {
        RouterError::Provider(error) => error,
        RouterError::Unreachable(_) => return health.failed(version, now),
        _ => return,
    };
    let cool_down = |pause: Duration| health.cool_down(version, model, now + pause, error);
    match error.class {
        ErrorClass::Overloaded | ErrorClass::Timeout => return health.failed(version, now),
        ErrorClass::Throttled => cool_down(error.retry_after.unwrap_or(config.throttled_pause)),
        // A permission or a model may be missing for this model alone.
        ErrorClass::NoCredit | ErrorClass::NoPermission => cool_down(config.refused_pause),
        // The vault quarantines it for every router.
        ErrorClass::Revoked => dispatcher.leases.vault().report_refused_key(version, error),
        _ => {}
    }
    health.answered(version);
}
