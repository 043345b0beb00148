//! Who pays. The platform does only where the funding policies of every level let it: those of the
//! workspace, the project, the request, and the own keys that can't be used.

use latchkey_contract::names::{KeyName, KeyParent};

use super::rules::Rule;
use super::{Candidate, Terms, Wish};
use crate::domain::capability::Capability;
use crate::domain::funding::{Instead, Lack, Selection};

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

/// How the own keys stand that come into question. For each lack: whether the keys that are lacking so
/// let the platform stand in; nothing where no key is.
#[derive(Default)]
pub(super) struct OwnKeys {
    usable: bool,
    failed: Option<bool>,
    missing: Option<bool>,
    switched_off: Option<bool>,
    /// Whether one was tried and failed for the same request, be it another provider's.
    failed_before: bool,
}

impl OwnKeys {
    pub(super) fn survey(candidates: &[Candidate], verdicts: &[Option<Rule>], wish: &Wish) -> Self {
        let lists = wish.capability == Capability::ListModels;
        let own = |name: &KeyName| Payer::of(name) == Payer::OwnKey;
        let mut own_keys = Self {
            failed_before: wish.own_key_failed || (!lists && wish.excluded.iter().any(own)),
            ..Self::default()
        };
        let judged = candidates.iter().zip(verdicts);
        for (candidate, verdict) in judged.filter(|(candidate, _)| own(&candidate.name)) {
            let lack = match verdict {
                // Nothing is wrong with the key itself.
                None | Some(Rule::NotNamed | Rule::PayerDiffers) => None,
                // Whoever lists has seen it.
                Some(Rule::AlreadyTried) if lists => None,
                Some(Rule::AlreadyTried | Rule::KeyExpired | Rule::KeyQuarantined) => {
                    Some(Lack::Failed)
                }
                Some(Rule::OwnKeysOff) => Some(Lack::SwitchedOff),
                Some(_) => Some(Lack::Missing),
            };
            own_keys.note(candidate, lack);
        }
        own_keys
    }

    /// Why the platform may not pay; nothing when it may.
    pub(super) fn rule_for_the_platform(&self, terms: &Terms, wish: &Wish) -> Option<Rule> {
        let may = |lack| {
            let project = terms.project.as_ref();
            terms.funding.instead(lack) == Instead::Platform
                && project.is_none_or(|(level, _)| level.lets_the_platform_stand_in(lack))
                && wish.funding.lets_the_platform_stand_in(lack)
        };
        if self.failed_before && !may(Lack::Failed) {
            return Some(Rule::PlatformNotAllowed);
        }
        let (lack, keys_agree) = match terms.funding.selection {
            // Own keys are for requests that name one; this one does not.
            Selection::WhenNamed => (Lack::Missing, true),
            Selection::Automatic if self.usable => return Some(Rule::OwnKeyFirst),
            Selection::Automatic => self.lack(),
        };
        (!may(lack) || !keys_agree).then_some(Rule::PlatformNotAllowed)
    }

    fn note(&mut self, candidate: &Candidate, lack: Option<Lack>) {
        let Some(lack) = lack else {
            self.usable = true;
            return;
        };
        let lacking = match lack {
            Lack::Failed => &mut self.failed,
            Lack::Missing => &mut self.missing,
            Lack::SwitchedOff => &mut self.switched_off,
        };
        let agrees = candidate.key.settings.funding;
        let agrees = agrees.lets_the_platform_stand_in(lack);
        *lacking = Some(lacking.unwrap_or(true) && agrees);
    }

    /// What is lacking, the gravest first, and whether the keys concerned let the platform stand in.
    fn lack(&self) -> (Lack, bool) {
        if let Some(agree) = self.failed {
            return (Lack::Failed, agree);
        }
        if let Some(agree) = self.switched_off {
            return (Lack::SwitchedOff, agree);
        }
        (Lack::Missing, self.missing.unwrap_or(true))
    }
}
