//! The rules that exclude a key, in the order in which they are asked.

use latchkey_clock::Timestamp;
use latchkey_contract::ExclusionRule;
use latchkey_contract::ProviderId;

use super::{Candidate, Expectations, KeyQuery, Payer, Terms};
use crate::domain::access::Access;
use crate::domain::capability::Capability;
use crate::domain::funding::Selection;
use crate::domain::key::KeyState;
use crate::domain::settings::{Retention, models_allow};

/// The model that a request would ask for with a key.
pub(super) fn model<'a>(
    candidate: &'a Candidate,
    terms: &'a Terms,
    query: &'a KeyQuery,
) -> &'a str {
    match query.model.as_str() {
        "" => terms.default_model(&candidate.key),
        model => model,
    }
}

/// What may not be done with a provider's model, whatever keys there are. An empty model is none so
/// far.
pub(super) fn of_the_scope(
    provider: ProviderId,
    model: &str,
    terms: &Terms,
    query: &KeyQuery,
) -> Option<ExclusionRule> {
    let capability = query.capability;
    let project = terms.project.iter().map(|(_, rules)| rules);
    let mut rules = project.chain([&terms.rules]);
    if !rules.all(|rules| rules.allow(capability, model)) {
        return Some(ExclusionRule::WorkspaceForbids);
    }
    let access = terms.access.get(&provider)?;
    if !feature(access, capability) {
        return Some(ExclusionRule::FeatureOff);
    }
    let available = capability == Capability::ListModels
        || model.is_empty()
        || models_allow(&access.allowed_models, &access.denied_models, model);
    (!available).then_some(ExclusionRule::ModelOff)
}

fn feature(access: &Access, capability: Capability) -> bool {
    match capability {
        Capability::Embed => access.embeddings,
        Capability::Generate => access.chat,
        Capability::GenerateImages => access.images,
        Capability::ListModels => true,
    }
}

/// The first rule that excludes a key, but for what the other keys decide.
pub(super) fn of_the_key(
    candidate: &Candidate,
    terms: &Terms,
    query: &KeyQuery,
    now: Timestamp,
) -> Option<ExclusionRule> {
    let Candidate { name, key, .. } = candidate;
    let settings = &key.settings;
    if query.named && query.provider.is_some_and(|wanted| wanted != key.provider) {
        return Some(ExclusionRule::ProviderMismatch);
    }
    let model = model(candidate, terms, query);
    if let Some(rule) = of_the_scope(key.provider, model, terms, query) {
        return Some(rule);
    }
    let own = Payer::of(name) == Payer::OwnKey;
    let access = terms.access.get(&key.provider);
    if own && access.is_some_and(|access| !access.own_keys) {
        return Some(ExclusionRule::OwnKeysOff);
    }
    let project = terms.project.as_ref();
    let keeps_nothing =
        terms.rules.zero_retention || project.is_some_and(|(_, rules)| rules.zero_retention);
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
    // A list tells what requests can reach, those that name a key among them.
    let wants_a_name = own && {
        let narrowed = project.is_some_and(|(narrowing, _)| narrowing.wants_a_name())
            || settings.funding.wants_a_name()
            || query.funding.wants_a_name();
        narrowed || terms.funding.selection == Selection::WhenNamed
    };
    if wants_a_name && !query.named && !lists {
        return Some(ExclusionRule::NotNamed);
    }
    let payer = query.payer;
    payer
        .is_some_and(|payer| payer != Payer::of(name))
        .then_some(ExclusionRule::PayerDiffers)
}

/// Whether a key that can be used is as the caller expects.
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
    let place = expected.location.as_ref();
    provider && version && payer && place.is_none_or(|wanted| wanted == location)
}
