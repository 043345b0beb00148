//! The rules that exclude a key, in the order in which they apply.

use latchkey_clock::Timestamp;
use latchkey_contract::ExclusionRule;
use latchkey_contract::ProviderId;

use super::{Candidate, Expectations, KeyQuery, Payer, ScopePolicies};
use crate::domain::availability::Availability;
use crate::domain::capability::Capability;
use crate::domain::funding::Selection;
use crate::domain::key::KeyState;
use crate::domain::settings::{Retention, models_allow};

/// The model of a request with a key.
pub(super) fn model<'a>(
    candidate: &'a Candidate,
    policies: &'a ScopePolicies,
    query: &'a KeyQuery,
) -> &'a str {
    match query.model.as_str() {
        "" => policies.default_model(&candidate.key),
        model => model,
    }
}

/// The rule that forbids a provider's model for the scope, whatever the keys. An empty model is not
/// known yet.
pub(super) fn of_the_scope(
    provider: ProviderId,
    model: &str,
    policies: &ScopePolicies,
    query: &KeyQuery,
) -> Option<ExclusionRule> {
    let capability = query.capability;
    let project = policies.project.iter().map(|(_, rules)| rules);
    let mut rules = project.chain([&policies.rules]);
    if !rules.all(|rules| rules.allow(capability, model)) {
        return Some(ExclusionRule::WorkspaceForbids);
    }
    let access = policies.access.get(&provider)?;
    if !feature(access, capability) {
        return Some(ExclusionRule::FeatureOff);
    }
    let available = capability == Capability::ListModels
        || model.is_empty()
        || models_allow(&access.allowed_models, &access.denied_models, model);
    (!available).then_some(ExclusionRule::ModelOff)
}

fn feature(access: &Availability, capability: Capability) -> bool {
    match capability {
        Capability::Embed => access.embeddings,
        Capability::Generate => access.chat,
        Capability::GenerateImages => access.images,
        Capability::ListModels => true,
    }
}

/// The first rule that excludes a key, apart from those that depend on other keys.
pub(super) fn of_the_key(
    candidate: &Candidate,
    policies: &ScopePolicies,
    query: &KeyQuery,
    now: Timestamp,
) -> Option<ExclusionRule> {
    let Candidate { name, key, .. } = candidate;
    let settings = &key.settings;
    if query.named && query.provider.is_some_and(|wanted| wanted != key.provider) {
        return Some(ExclusionRule::ProviderMismatch);
    }
    let model = model(candidate, policies, query);
    if let Some(rule) = of_the_scope(key.provider, model, policies, query) {
        return Some(rule);
    }
    let own = Payer::of(name) == Payer::OwnKey;
    let access = policies.access.get(&key.provider);
    if own && access.is_some_and(|access| !access.own_keys) {
        return Some(ExclusionRule::OwnKeysOff);
    }
    let project = policies.project.as_ref();
    let keeps_nothing =
        policies.rules.zero_retention || project.is_some_and(|(_, rules)| rules.zero_retention);
    if keeps_nothing && settings.retention != Retention::Zero {
        return Some(ExclusionRule::Retention);
    }
    match key.state {
        KeyState::Disabled | KeyState::Deleted => return Some(ExclusionRule::KeyDisabled),
        KeyState::Quarantined => return Some(ExclusionRule::KeyQuarantined),
        KeyState::Active => {}
    }
    if key.expired(now) {
        return Some(ExclusionRule::KeyExpired);
    }
    if query.excluded.contains(name) {
        return Some(ExclusionRule::AlreadyTried);
    }
    if !settings.serves_caller(&query.caller) {
        return Some(ExclusionRule::CallerDenied);
    }
    let lists = query.capability == Capability::ListModels;
    if !lists && model.is_empty() {
        return Some(ExclusionRule::NoDefaultModel);
    }
    if !lists && !settings.serves(model) {
        return Some(ExclusionRule::ModelDenied);
    }
    // A list shows the models of all requests, also of those that name a key.
    let requires_name = own && {
        let narrowed = project.is_some_and(|(narrowing, _)| narrowing.requires_name())
            || settings.funding.requires_name()
            || query.funding.requires_name();
        narrowed || policies.funding.selection == Selection::WhenNamed
    };
    if requires_name && !query.named && !lists {
        return Some(ExclusionRule::NotNamed);
    }
    let payer = query.payer;
    payer
        .is_some_and(|payer| payer != Payer::of(name))
        .then_some(ExclusionRule::PayerDiffers)
}

/// Whether a usable key meets the expectations.
pub(super) fn is_as_expected(candidate: &Candidate, expected: &Expectations) -> bool {
    let Candidate {
        name,
        key,
        location,
    } = candidate;
    let provider = expected
        .provider
        .is_none_or(|wanted| wanted == key.provider);
    let version = expected
        .key_version
        .as_ref()
        .is_none_or(|wanted| wanted.key == *name && wanted.version == key.current_version);
    let payer = expected
        .payer
        .is_none_or(|wanted| wanted == Payer::of(name));
    let region = expected.location.as_ref();
    provider && version && payer && region.is_none_or(|wanted| wanted == location)
}
