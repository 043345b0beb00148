//! The availability of a provider, from the message and back.

use latchkey_contract::ProviderId;
use latchkey_contract::names::ResourceId;
use latchkey_contract::vault::v1;
use latchkey_contract::vault::v1::provider_access::Switch;
use latchkey_rpc::mask::Mask;
use prost_types::FieldMask;

use crate::domain::availability::{Availability, ProviderTerms};
use crate::error::VaultError;

/// The provider that a name ends with. `field` is that of the name.
pub(super) fn provider(field: &'static str, id: &ResourceId) -> Result<ProviderId, VaultError> {
    let parsed = id.as_str().parse();
    parsed
        .map_err(|error| VaultError::field(field, format!("must end with a provider: it {error}")))
}

/// The fields that an update names.
pub(super) fn mask(mask: Option<FieldMask>) -> Result<Mask, VaultError> {
    Ok(Mask::parse(mask, CHANGEABLE, &[])?)
}

const CHANGEABLE: &[&str] = &[
    "access",
    "access.own_keys",
    "access.chat",
    "access.embeddings",
    "access.images",
    "access.allowed_models",
    "access.denied_models",
    "access.default_model",
];

/// The terms that a message at `path` holds.
pub(super) fn decode(path: &str, message: v1::ProviderAccess) -> Result<ProviderTerms, VaultError> {
    let switch = |field: &str, value: i32| match Switch::try_from(value) {
        Ok(Switch::Unspecified) => Ok(None),
        Ok(Switch::On) => Ok(Some(true)),
        Ok(Switch::Off) => Ok(Some(false)),
        Err(_) => {
            let field = format!("{path}.{field}");
            Err(VaultError::field(field, "must be SWITCH_ON or SWITCH_OFF"))
        }
    };
    let terms = ProviderTerms {
        own_keys: switch("own_keys", message.own_keys)?,
        chat: switch("chat", message.chat)?,
        embeddings: switch("embeddings", message.embeddings)?,
        images: switch("images", message.images)?,
        allowed_models: message.allowed_models,
        denied_models: message.denied_models,
        default_model: message.default_model,
    };
    Ok(terms.checked(path)?)
}

/// A field that a change sets: its path and its value, for the audit log.
pub(super) type Changed = (&'static str, String);

/// `current` with the fields that the mask names taken from `wanted`.
pub(super) fn merge(
    current: ProviderTerms,
    wanted: ProviderTerms,
    mask: &Mask,
) -> (ProviderTerms, Vec<Changed>) {
    let (mut merged, mut changed) = (current, Vec::new());
    let all = mask.changes("access", false);
    macro_rules! take {
        ($field:ident, $set:expr, $value:expr) => {
            let path = concat!("access.", stringify!($field));
            if all || mask.changes(path, $set) {
                merged.$field = wanted.$field;
                changed.push((path, $value));
            }
        };
    }
    take!(
        own_keys,
        wanted.own_keys.is_some(),
        describe_switch(merged.own_keys)
    );
    take!(chat, wanted.chat.is_some(), describe_switch(merged.chat));
    take!(
        embeddings,
        wanted.embeddings.is_some(),
        describe_switch(merged.embeddings)
    );
    take!(
        images,
        wanted.images.is_some(),
        describe_switch(merged.images)
    );
    take!(
        allowed_models,
        !wanted.allowed_models.is_empty(),
        merged.allowed_models.join(", ")
    );
    take!(
        denied_models,
        !wanted.denied_models.is_empty(),
        merged.denied_models.join(", ")
    );
    take!(
        default_model,
        !wanted.default_model.is_empty(),
        merged.default_model.clone()
    );
    (merged, changed)
}

/// The terms as they were set.
pub(super) fn encode_terms(terms: &ProviderTerms) -> v1::ProviderAccess {
    v1::ProviderAccess {
        own_keys: encode_switch(terms.own_keys),
        chat: encode_switch(terms.chat),
        embeddings: encode_switch(terms.embeddings),
        images: encode_switch(terms.images),
        allowed_models: terms.allowed_models.clone(),
        denied_models: terms.denied_models.clone(),
        default_model: terms.default_model.clone(),
    }
}

/// The availability that holds: every switch is on or off.
pub(super) fn encode(access: Availability) -> v1::ProviderAccess {
    v1::ProviderAccess {
        own_keys: encode_switch(Some(access.own_keys)),
        chat: encode_switch(Some(access.chat)),
        embeddings: encode_switch(Some(access.embeddings)),
        images: encode_switch(Some(access.images)),
        allowed_models: access.allowed_models,
        denied_models: access.denied_models,
        default_model: access.default_model,
    }
}

/// The word for a switch in the audit log.
pub(super) const fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn encode_switch(value: Option<bool>) -> i32 {
    match value {
        None => Switch::Unspecified,
        Some(true) => Switch::On,
        Some(false) => Switch::Off,
    }
    .into()
}

fn describe_switch(value: Option<bool>) -> String {
    value.map_or("unset", word).to_owned()
}
