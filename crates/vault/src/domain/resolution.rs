//! Which key a request gets, and why not another. Pure: the candidates come in, a choice comes out.
//!
//! A named key is taken or refused, never replaced. Else a project's keys come before the
//! workspace's, and those before the platform's; within one owner the lowest priority number comes
//! first, and among equals the weights decide by a drawn number.

use latchkey_boot::clock::Timestamp;
use latchkey_contract::names::{KeyName, KeyParent, Scope};

use super::key::{Key, KeyState};
use super::provider::Provider;

/// A key that may be chosen.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its full name.
    pub name: KeyName,
    /// What is known of it.
    pub key: Key,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Whose key; nothing when a key is named without one.
    pub provider: Option<Provider>,
    /// The model; empty when the key's default will do.
    pub model: String,
    /// What the request does.
    pub capability: Capability,
    /// Whether the caller named the one candidate.
    pub named: bool,
    /// Keys that are passed over, whatever else they are.
    pub excluded: Vec<KeyName>,
    /// Who must pay; nothing when either may.
    pub payer: Option<Payer>,
}

/// What a request does, as far as the choice of a key cares.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Capability {
    /// Embeddings.
    Embed,
    /// Chat.
    #[default]
    Generate,
    /// Pictures.
    GenerateImages,
    /// The list of the provider's models: it is for no model, so none need be allowed.
    ListModels,
}

/// Who pays the provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payer {
    /// The customer, whose own key it is.
    OwnKey,
    /// The platform.
    Platform,
}

impl Payer {
    /// Who pays for calls with a key of that name.
    pub fn of(key: &KeyName) -> Self {
        match key.parent {
            KeyParent::Platform => Self::Platform,
            KeyParent::Scope(_) => Self::OwnKey,
        }
    }
}

/// A rule that excluded a key, in the order in which they are tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// Switched off by its owner.
    KeyDisabled,
    /// Set aside because the provider refused it.
    KeyQuarantined,
    /// Past its expiry.
    KeyExpired,
    /// Another party would pay.
    PayerDiffers,
    /// The caller passes over it, because it was tried already or is known to be throttled.
    AlreadyTried,
    /// Its lists exclude the model.
    ModelDenied,
    /// The request names no model and the key has no default.
    NoDefaultModel,
    /// A key with a lower priority number, or of a nearer owner, was chosen.
    Outranked,
    /// The draw fell on another key of equal priority.
    NotDrawn,
}

impl Rule {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyDisabled => "KEY_DISABLED",
            Self::KeyQuarantined => "KEY_QUARANTINED",
            Self::KeyExpired => "KEY_EXPIRED",
            Self::PayerDiffers => "PAYER_DIFFERS",
            Self::AlreadyTried => "ALREADY_TRIED",
            Self::ModelDenied => "MODEL_DENIED",
            Self::NoDefaultModel => "NO_DEFAULT_MODEL",
            Self::Outranked => "OUTRANKED",
            Self::NotDrawn => "NOT_DRAWN",
        }
    }
}

/// A key that was passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exclusion {
    /// Its full name.
    pub key: KeyName,
    /// The rule that excluded it.
    pub rule: Rule,
}

/// The outcome of a choice.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The key to lend.
    pub chosen: Candidate,
    /// The others, and why.
    pub exclusions: Vec<Exclusion>,
}

/// No key could be chosen.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResolutionRefusal {
    /// The named key is another provider's.
    #[error("the named key belongs to {actual}, not to {expected}")]
    ProviderMismatch {
        /// Whose was asked for.
        expected: Provider,
        /// Whose it is.
        actual: Provider,
    },
    /// The named key can't be used now.
    #[error("the named key cannot be used: {}", rule.as_str())]
    NamedUnusable {
        /// Why.
        rule: Rule,
        /// The state's words, such as the provider's in a quarantine.
        detail: String,
    },
    /// Neither the customer nor the platform has a usable key.
    #[error("no usable key for this provider and model")]
    NoneUsable {
        /// Each candidate and why it was skipped.
        exclusions: Vec<Exclusion>,
    },
}

/// Chooses among `candidates`. `draw` is a random number, used where weights decide.
pub fn choose(
    candidates: Vec<Candidate>,
    wish: &Wish,
    now: Timestamp,
    draw: u64,
) -> Result<Choice, ResolutionRefusal> {
    if wish.named {
        check_provider(&candidates, wish)?;
    }
    let mut exclusions = Vec::new();
    let mut usable = Vec::new();
    for candidate in candidates {
        match exclusion(&candidate, wish, now) {
            Some(rule) if wish.named => {
                let detail = candidate.key.state_detail;
                return Err(ResolutionRefusal::NamedUnusable { rule, detail });
            }
            Some(rule) => exclusions.push(Exclusion {
                key: candidate.name,
                rule,
            }),
            None => usable.push(candidate),
        }
    }
    let Some(best) = usable.iter().map(rank).min() else {
        return Err(ResolutionRefusal::NoneUsable { exclusions });
    };
    let (mut equals, outranked): (Vec<_>, Vec<_>) = usable
        .into_iter()
        .partition(|candidate| rank(candidate) == best);
    let chosen = equals.remove(drawn(&equals, draw));
    let passed_over = |rule| {
        move |candidate: Candidate| Exclusion {
            key: candidate.name,
            rule,
        }
    };
    exclusions.extend(equals.into_iter().map(passed_over(Rule::NotDrawn)));
    exclusions.extend(outranked.into_iter().map(passed_over(Rule::Outranked)));
    Ok(Choice { chosen, exclusions })
}

fn check_provider(candidates: &[Candidate], wish: &Wish) -> Result<(), ResolutionRefusal> {
    for candidate in candidates {
        let actual = candidate.key.provider;
        if let Some(expected) = wish.provider.filter(|expected| *expected != actual) {
            return Err(ResolutionRefusal::ProviderMismatch { expected, actual });
        }
    }
    Ok(())
}

fn exclusion(candidate: &Candidate, wish: &Wish, now: Timestamp) -> Option<Rule> {
    let Candidate { name, key } = candidate;
    match key.state {
        KeyState::Disabled | KeyState::Deleted => return Some(Rule::KeyDisabled),
        KeyState::Quarantined => return Some(Rule::KeyQuarantined),
        KeyState::Active => {}
    }
    if key.expired(now) {
        return Some(Rule::KeyExpired);
    }
    if wish.payer.is_some_and(|payer| payer != Payer::of(name)) {
        return Some(Rule::PayerDiffers);
    }
    if wish.excluded.contains(name) {
        return Some(Rule::AlreadyTried);
    }
    if wish.capability == Capability::ListModels {
        return None;
    }
    let model = match wish.model.as_str() {
        "" => key.settings.default_model.as_str(),
        model => model,
    };
    if model.is_empty() {
        return Some(Rule::NoDefaultModel);
    }
    (!key.settings.serves(model)).then_some(Rule::ModelDenied)
}

/// Nearer owners first, then lower numbers.
fn rank(candidate: &Candidate) -> (u8, u32) {
    let owner = match candidate.name.parent {
        KeyParent::Scope(Scope::Project(_)) => 0,
        KeyParent::Scope(Scope::Workspace(_)) => 1,
        KeyParent::Platform => 2,
    };
    (owner, candidate.key.settings.priority)
}

/// The index that `draw` falls on when each candidate takes as much room as its weight.
fn drawn(equals: &[Candidate], draw: u64) -> usize {
    let weight = |candidate: &Candidate| u64::from(candidate.key.settings.weight.max(1));
    let total: u64 = equals.iter().map(weight).sum();
    let mut left = draw % total.max(1);
    for (index, candidate) in equals.iter().enumerate() {
        match left.checked_sub(weight(candidate)) {
            None => return index,
            Some(rest) => left = rest,
        }
    }
    0
}

#[cfg(test)]
mod tests;
