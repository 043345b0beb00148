//! The settings of a key, from the message.

use latchkey_clock::Timestamp;
use latchkey_contract::vault::v1;
use latchkey_rpc::mask::Mask;

use crate::domain::funding::Narrowing;
use crate::domain::settings::{KeySettings, Retention};
use crate::error::VaultError;
use crate::services::funding;

/// Fields that `UpdateKey` changes.
pub(super) const CHANGEABLE: &[&str] = &[
    "display_name",
    "default_model",
    "allowed_models",
    "denied_models",
    "priority",
    "weight",
    "expire_time",
    "labels",
    "deployments",
    "funding",
    "allowed_callers",
    "retention",
];

/// Fields that `AddKeyVersion` changes: the destination of the key.
pub(super) const WITH_MATERIAL: &[&str] = &["base_url", "location", "cloud_project", "api_version"];

/// Fields that `UpdateKey` does not change, each with the advice for the caller.
pub(super) const FORBIDDEN: &[(&str, &str)] = &[
    ("provider", "is fixed: create another key"),
    ("state", "is changed by EnableKey and DisableKey"),
];

/// The settings that a message holds.
pub(super) fn decode(key: &v1::Key) -> Result<KeySettings, VaultError> {
    let number = |field: &'static str, number: i32| {
        let problem = "must be from 0 to 1,000,000";
        u32::try_from(number).map_err(|_| VaultError::field(field, problem))
    };
    let settings = KeySettings {
        display_name: key.display_name.clone(),
        default_model: key.default_model.clone(),
        allowed_models: key.allowed_models.clone(),
        denied_models: key.denied_models.clone(),
        priority: number("key.priority", key.priority)?,
        weight: number("key.weight", key.weight)?,
        expire_time: key.expire_time.as_ref().map(decode_time).transpose()?,
        labels: key.labels.clone(),
        deployments: key.deployments.clone(),
        funding: funding::narrowing("key.funding", key.funding.as_ref())?,
        allowed_callers: key.allowed_callers.clone(),
        retention: match v1::key::Retention::try_from(key.retention) {
            Ok(v1::key::Retention::Unspecified) => Retention::Default,
            Ok(v1::key::Retention::Zero) => Retention::Zero,
            Err(_) => return Err(VaultError::field("key.retention", "is not a known value")),
        },
    };
    Ok(settings.checked()?)
}

/// `current` with the fields that the mask names taken from `wanted`, and their names.
pub(super) fn merge(
    mut current: KeySettings,
    wanted: KeySettings,
    mask: &Mask,
) -> (KeySettings, Vec<&'static str>) {
    let mut changed = Vec::new();
    macro_rules! take {
        ($field:ident, $set:expr) => {
            if mask.changes(stringify!($field), $set) {
                current.$field = wanted.$field;
                changed.push(stringify!($field));
            }
        };
    }
    take!(display_name, !wanted.display_name.is_empty());
    take!(default_model, !wanted.default_model.is_empty());
    take!(allowed_models, !wanted.allowed_models.is_empty());
    take!(denied_models, !wanted.denied_models.is_empty());
    take!(priority, wanted.priority != 0);
    take!(weight, wanted.weight != 0);
    take!(expire_time, wanted.expire_time.is_some());
    take!(labels, !wanted.labels.is_empty());
    take!(deployments, !wanted.deployments.is_empty());
    take!(funding, wanted.funding != Narrowing::default());
    take!(allowed_callers, !wanted.allowed_callers.is_empty());
    take!(retention, wanted.retention != Retention::Default);
    (current, changed)
}

fn decode_time(time: &prost_types::Timestamp) -> Result<Timestamp, VaultError> {
    u32::try_from(time.nanos)
        .ok()
        .and_then(|nanos| Timestamp::from_unix(time.seconds, nanos))
        .ok_or_else(|| VaultError::field("key.expire_time", "is not a valid time"))
}
