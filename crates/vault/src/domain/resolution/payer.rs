//! The payer. The platform pays only where every level allows it: the workspace, the project, the
//! request, and the own keys that can't be used.

use latchkey_contract::ExclusionRule;
use latchkey_contract::names::{KeyName, KeyParent};

use super::{Candidate, KeyQuery, ScopePolicies};
use crate::domain::capability::Capability;
use crate::domain::funding::{FundingFallback, Selection, UnavailableReason};

/// The party that pays the provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Payer {
    /// The customer, with an own key.
    OwnKey,
    /// The platform.
    Platform,
}

impl Payer {
    /// The payer of calls with a key of that name.
    pub fn of(key: &KeyName) -> Self {
        match key.parent {
            KeyParent::Platform => Self::Platform,
            KeyParent::Scope(_) => Self::OwnKey,
        }
    }
}

/// The state of the customer's candidates. Per reason: whether all own keys that are unavailable for it
/// allow the platform to pay; `None` where no own key is.
#[derive(Default)]
pub(super) struct OwnKeys {
    usable: bool,
    failed: Option<bool>,
    missing: Option<bool>,
    switched_off: Option<bool>,
    /// Whether an own key, also of another provider, failed for the same request.
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
                // The key itself is usable.
                None | Some(ExclusionRule::NotNamed | ExclusionRule::PayerDiffers) => None,
                // A list of models includes the key already.
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

    /// The rule that keeps the platform from paying; `None` where it may pay.
    pub(super) fn rule_for_the_platform(
        &self,
        policies: &ScopePolicies,
        query: &KeyQuery,
    ) -> Option<ExclusionRule> {
        let may = |reason| {
            let project = policies.project.as_ref();
            policies.funding.fallback(reason) == FundingFallback::Platform
                && project.is_none_or(|(level, _)| level.allows_platform_fallback(reason))
                && query.funding.allows_platform_fallback(reason)
        };
        if self.failed_before && !may(UnavailableReason::Failed) {
            return Some(ExclusionRule::PlatformNotAllowed);
        }
        let (reason, keys_agree) = match policies.funding.selection {
            // Own keys are reserved for requests that name one, and this request does not.
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
        let funding = candidate.key.settings.funding;
        let agrees = funding.allows_platform_fallback(reason);
        *unavailable = Some(unavailable.unwrap_or(true) && agrees);
    }

    /// The gravest reason, and whether all own keys that it holds for allow the platform to pay.
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
