//! Who pays. The platform does only where the funding policies of every level let it: those of the
//! workspace, the project, the request, and the own keys that can't be used.

use latchkey_contract::ExclusionRule;
use latchkey_contract::names::{KeyName, KeyParent};

use super::{Candidate, KeyQuery, Terms};
use crate::domain::capability::Capability;
use crate::domain::funding::{FundingFallback, Selection, UnavailableReason};

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

/// How the own keys stand that come into question. For each reason: whether the keys that are unavailable so
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
    pub(super) fn survey(
        candidates: &[Candidate],
        verdicts: &[Option<ExclusionRule>],
        query: &KeyQuery,
    ) -> Self {
        let lists = query.capability == Capability::ListModels;
        let own = |name: &KeyName| Payer::of(name) == Payer::OwnKey;
        let mut own_keys = Self {
            failed_before: query.own_key_failed || (!lists && query.excluded.iter().any(own)),
            ..Self::default()
        };
        let judged = candidates.iter().zip(verdicts);
        for (candidate, verdict) in judged.filter(|(candidate, _)| own(&candidate.name)) {
            let reason = match verdict {
                // Nothing is wrong with the key itself.
                None | Some(ExclusionRule::NotNamed | ExclusionRule::PayerDiffers) => None,
                // Whoever lists has seen it.
                Some(ExclusionRule::AlreadyTried) if lists => None,
                Some(
                    ExclusionRule::AlreadyTried
                    | ExclusionRule::KeyExpired
                    | ExclusionRule::KeyQuarantined,
                ) => Some(UnavailableReason::Failed),
                Some(ExclusionRule::OwnKeysOff) => Some(UnavailableReason::SwitchedOff),
                Some(_) => Some(UnavailableReason::Missing),
            };
            own_keys.note(candidate, reason);
        }
        own_keys
    }

    /// Why the platform may not pay; nothing when it may.
    pub(super) fn rule_for_the_platform(
        &self,
        terms: &Terms,
        query: &KeyQuery,
    ) -> Option<ExclusionRule> {
        let may = |reason| {
            let project = terms.project.as_ref();
            terms.funding.fallback(reason) == FundingFallback::Platform
                && project.is_none_or(|(level, _)| level.allows_platform_fallback(reason))
                && query.funding.allows_platform_fallback(reason)
        };
        if self.failed_before && !may(UnavailableReason::Failed) {
            return Some(ExclusionRule::PlatformNotAllowed);
        }
        let (reason, keys_agree) = match terms.funding.selection {
            // Own keys are for requests that name one; this one does not.
            Selection::WhenNamed => (UnavailableReason::Missing, true),
            Selection::Automatic if self.usable => return Some(ExclusionRule::OwnKeyFirst),
            Selection::Automatic => self.reason(),
        };
        (!may(reason) || !keys_agree).then_some(ExclusionRule::PlatformNotAllowed)
    }

    fn note(&mut self, candidate: &Candidate, reason: Option<UnavailableReason>) {
        let Some(reason) = reason else {
            self.usable = true;
            return;
        };
        let unavailable = match reason {
            UnavailableReason::Failed => &mut self.failed,
            UnavailableReason::Missing => &mut self.missing,
            UnavailableReason::SwitchedOff => &mut self.switched_off,
        };
        let agrees = candidate.key.settings.funding;
        let agrees = agrees.allows_platform_fallback(reason);
        *unavailable = Some(unavailable.unwrap_or(true) && agrees);
    }

    /// What is unavailable, the gravest first, and whether the keys concerned let the platform stand in.
    fn reason(&self) -> (UnavailableReason, bool) {
        if let Some(agree) = self.failed {
            return (UnavailableReason::Failed, agree);
        }
        if let Some(agree) = self.switched_off {
            return (UnavailableReason::SwitchedOff, agree);
        }
        (UnavailableReason::Missing, self.missing.unwrap_or(true))
    }
}
