//! The rules that exclude a key, in the order in which they are asked.

use latchkey_clock::Timestamp;

use super::{Candidate, Expectations, KeyQuery, Payer, Terms};
use crate::domain::access::Access;
use crate::domain::capability::Capability;
use crate::domain::funding::Selection;
use crate::domain::key::KeyState;
use crate::domain::provider::Provider;
use crate::domain::settings::{Retention, models_allow};

/// A rule that excluded a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// The named key is another provider's.
    ProviderMismatch,
    /// The workspace or the project forbids what is asked, or the model.
    WorkspaceForbids,
    /// The operator has switched off what is asked.
    FeatureOff,
    /// The operator does not let the model be asked for.
    ModelOff,
    /// The operator has switched own keys of the provider off.
    OwnKeysOff,
    /// The provider would keep something, and nothing may be kept.
    Retention,
    /// Switched off by its owner.
    KeyDisabled,
    /// Set aside because the provider refused it.
    KeyQuarantined,
    /// Past its expiry.
    KeyExpired,
    /// The caller passes over it, because it was tried already or is known to be throttled.
    AlreadyTried,
    /// It is for other callers.
    CallerDenied,
    /// The request names no model, and neither the key nor the provider has a default.
    NoDefaultModel,
    /// Its lists exclude the model.
    ModelDenied,
    /// It is for requests that name it.
    NotNamed,
    /// Another party would pay.
    PayerDiffers,
    /// An own key can be used, so the platform does not pay.
    OwnKeyFirst,
    /// As `OwnKeyFirst`; but when the own keys fail, this one may follow.
    AfterFailure,
    /// The funding policy does not let the platform pay.
    PlatformNotAllowed,
    /// It is not as the caller expects.
    Expectation,
    /// A key with a lower priority number, or of a nearer owner, was chosen.
    Outranked,
    /// The draw fell on another key of equal priority.
    NotSelected,
}

impl Rule {
    /// Every rule, in the order in which they are asked.
    #[cfg(test)]
    pub(super) const ALL: [Self; 21] = [
        Self::ProviderMismatch,
        Self::WorkspaceForbids,
        Self::FeatureOff,
        Self::ModelOff,
        Self::OwnKeysOff,
        Self::Retention,
        Self::KeyDisabled,
        Self::KeyQuarantined,
        Self::KeyExpired,
        Self::AlreadyTried,
        Self::CallerDenied,
        Self::NoDefaultModel,
        Self::ModelDenied,
        Self::NotNamed,
        Self::PayerDiffers,
        Self::OwnKeyFirst,
        Self::AfterFailure,
        Self::PlatformNotAllowed,
        Self::Expectation,
        Self::Outranked,
        Self::NotSelected,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProviderMismatch => "PROVIDER_MISMATCH",
            Self::WorkspaceForbids => "WORKSPACE_FORBIDS",
            Self::FeatureOff => "FEATURE_OFF",
            Self::ModelOff => "MODEL_OFF",
            Self::OwnKeysOff => "OWN_KEYS_OFF",
            Self::Retention => "RETENTION",
            Self::KeyDisabled => "KEY_DISABLED",
            Self::KeyQuarantined => "KEY_QUARANTINED",
            Self::KeyExpired => "KEY_EXPIRED",
            Self::AlreadyTried => "ALREADY_TRIED",
            Self::CallerDenied => "CALLER_DENIED",
            Self::NoDefaultModel => "NO_DEFAULT_MODEL",
            Self::ModelDenied => "MODEL_DENIED",
            Self::NotNamed => "NOT_NAMED",
            Self::PayerDiffers => "PAYER_DIFFERS",
            Self::OwnKeyFirst => "OWN_KEY_FIRST",
            Self::AfterFailure => "AFTER_FAILURE",
            Self::PlatformNotAllowed => "PLATFORM_NOT_ALLOWED",
            Self::Expectation => "EXPECTATION",
            Self::Outranked => "OUTRANKED",
            Self::NotSelected => "NOT_SELECTED",
        }
    }

    /// Whether it is about what may be done at all, with whatever key.
    pub(super) fn is_policy(self) -> bool {
        matches!(
            self,
            Self::WorkspaceForbids | Self::FeatureOff | Self::ModelOff
        )
    }
}

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
    provider: Provider,
    model: &str,
    terms: &Terms,
    query: &KeyQuery,
) -> Option<Rule> {
    let capability = query.capability;
    let project = terms.project.iter().map(|(_, rules)| rules);
    let mut rules = project.chain([&terms.rules]);
    if !rules.all(|rules| rules.allow(capability, model)) {
        return Some(Rule::WorkspaceForbids);
    }
    let access = terms.access.get(&provider)?;
    if !feature(access, capability) {
        return Some(Rule::FeatureOff);
    }
    let available = capability == Capability::ListModels
        || model.is_empty()
        || models_allow(&access.allowed_models, &access.denied_models, model);
    (!available).then_some(Rule::ModelOff)
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
) -> Option<Rule> {
    let Candidate { name, key, .. } = candidate;
    let settings = &key.settings;
    if query.named && query.provider.is_some_and(|wanted| wanted != key.provider) {
        return Some(Rule::ProviderMismatch);
    }
    let model = model(candidate, terms, query);
    if let Some(rule) = of_the_scope(key.provider, model, terms, query) {
        return Some(rule);
    }
    let own = Payer::of(name) == Payer::OwnKey;
    let access = terms.access.get(&key.provider);
    if own && access.is_some_and(|access| !access.own_keys) {
        return Some(Rule::OwnKeysOff);
    }
    let project = terms.project.as_ref();
    let keeps_nothing =
        terms.rules.zero_retention || project.is_some_and(|(_, rules)| rules.zero_retention);
    if keeps_nothing && settings.retention != Retention::Zero {
        return Some(Rule::Retention);
    }
    match key.state {
        KeyState::Disabled | KeyState::Deleted => return Some(Rule::KeyDisabled),
        KeyState::Quarantined => return Some(Rule::KeyQuarantined),
        KeyState::Active => {}
    }
    if key.expired(now) {
        return Some(Rule::KeyExpired);
    }
    if query.excluded.contains(name) {
        return Some(Rule::AlreadyTried);
    }
    if !settings.serves_caller(&query.caller) {
        return Some(Rule::CallerDenied);
    }
    let lists = query.capability == Capability::ListModels;
    if !lists && model.is_empty() {
        return Some(Rule::NoDefaultModel);
    }
    if !lists && !settings.serves(model) {
        return Some(Rule::ModelDenied);
    }
    // A list tells what requests can reach, those that name a key among them.
    let wants_a_name = own && {
        let narrowed = project.is_some_and(|(narrowing, _)| narrowing.wants_a_name())
            || settings.funding.wants_a_name()
            || query.funding.wants_a_name();
        narrowed || terms.funding.selection == Selection::WhenNamed
    };
    if wants_a_name && !query.named && !lists {
        return Some(Rule::NotNamed);
    }
    let payer = query.payer;
    payer
        .is_some_and(|payer| payer != Payer::of(name))
        .then_some(Rule::PayerDiffers)
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
