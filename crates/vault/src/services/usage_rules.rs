//! Usage rules, from the message and back. Workspaces and projects have the same fields.

use latchkey_contract::vault::v1;
use latchkey_rpc::mask::Mask;

use crate::domain::audit::AuditEvent;
use crate::domain::capability::Capability;
use crate::domain::usage_rules::UsageRules;
use crate::error::VaultError;

/// The fields of the rules, as masks name them.
pub(super) const FIELDS: [&str; 4] = [
    "allowed_capabilities",
    "allowed_models",
    "denied_models",
    "zero_retention",
];

/// The rules that a message holds. `noun` is the field that the message is.
pub(super) fn decode(
    noun: &str,
    capabilities: &[i32],
    (allowed_models, denied_models): (&[String], &[String]),
    zero_retention: bool,
) -> Result<UsageRules, VaultError> {
    let decode = |(index, value): (usize, &i32)| {
        capability(&format!("{noun}.allowed_capabilities[{index}]"), *value)
    };
    let capabilities = capabilities.iter().enumerate().map(decode);
    let rules = UsageRules {
        capabilities: capabilities.collect::<Result<_, _>>()?,
        allowed_models: allowed_models.to_vec(),
        denied_models: denied_models.to_vec(),
        zero_retention,
    };
    Ok(rules.checked(noun)?)
}

/// `current` with the fields that the mask names taken from `wanted`, and their names.
pub(super) fn merge(
    mut current: UsageRules,
    wanted: UsageRules,
    mask: &Mask,
) -> (UsageRules, Vec<&'static str>) {
    let mut changed = Vec::new();
    let mut take = |field: &'static str, set: bool| {
        let named = mask.changes(field, set);
        changed.extend(named.then_some(field));
        named
    };
    if take("allowed_capabilities", !wanted.capabilities.is_empty()) {
        current.capabilities = wanted.capabilities;
    }
    if take("allowed_models", !wanted.allowed_models.is_empty()) {
        current.allowed_models = wanted.allowed_models;
    }
    if take("denied_models", !wanted.denied_models.is_empty()) {
        current.denied_models = wanted.denied_models;
    }
    if take("zero_retention", wanted.zero_retention) {
        current.zero_retention = wanted.zero_retention;
    }
    (current, changed)
}

/// The capabilities of rules as a message has them.
pub(super) fn encode_capabilities(rules: &UsageRules) -> Vec<i32> {
    let encode = |capability: &Capability| {
        let capability = match capability {
            Capability::Embed => v1::Capability::Embed,
            Capability::Generate => v1::Capability::Generate,
            Capability::GenerateImages => v1::Capability::GenerateImages,
            Capability::ListModels => v1::Capability::ListModels,
        };
        capability.into()
    };
    rules.capabilities.iter().map(encode).collect()
}

/// Adds rules to an event as the audit log shows them.
pub(super) fn describe(event: AuditEvent, rules: &UsageRules) -> AuditEvent {
    let capabilities: Vec<_> = encode_capabilities(rules)
        .into_iter()
        .filter_map(|value| v1::Capability::try_from(value).ok())
        .map(|capability| capability.as_str_name().trim_start_matches("CAPABILITY_"))
        .collect();
    let [of_capabilities, of_allowed, of_denied, of_retention] = FIELDS;
    [
        (of_capabilities, capabilities.join(", ").to_lowercase()),
        (of_allowed, rules.allowed_models.join(", ")),
        (of_denied, rules.denied_models.join(", ")),
        (of_retention, rules.zero_retention.to_string()),
    ]
    .into_iter()
    .fold(event, |event, (field, value)| event.with(field, value))
}

/// The capability of a request.
pub(super) fn capability(field: &str, value: i32) -> Result<Capability, VaultError> {
    match v1::Capability::try_from(value) {
        Ok(v1::Capability::Unspecified | v1::Capability::Generate) => Ok(Capability::Generate),
        Ok(v1::Capability::Embed) => Ok(Capability::Embed),
        Ok(v1::Capability::GenerateImages) => Ok(Capability::GenerateImages),
        Ok(v1::Capability::ListModels) => Ok(Capability::ListModels),
        Err(_) => Err(VaultError::field(field, "is not a known value")),
    }
}
