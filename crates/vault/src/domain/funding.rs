//! Who may pay for a workspace's calls: its owner, on the provider's bill, or the platform.
//!
//! The workspace has a whole policy. A project, a key or a request may narrow it; a call must be
//! allowed by every level, so none of them widens what another one closes.

use serde::{Deserialize, Serialize};

/// When own keys are used.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// For every request that one can serve.
    #[default]
    Automatic,
    /// For requests that name one.
    WhenNamed,
}

/// What happens instead of a call with an own key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FundingFallback {
    /// The platform's key is used.
    Platform,
    /// The request is refused.
    Refuse,
}

impl FundingFallback {
    /// The word for it in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Refuse => "refuse",
        }
    }
}

/// Why no own key serves a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnavailableReason {
    /// One is there and failed.
    Failed,
    /// None is there for it.
    Missing,
    /// One is there, and the operator has switched own keys off.
    SwitchedOff,
}

/// The policy of a workspace.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Funding {
    /// When own keys are used.
    pub selection: Selection,
    /// When there is none for a request.
    pub when_missing: FundingFallback,
    /// When one failed.
    pub when_failed: FundingFallback,
    /// When the operator has switched them off.
    pub when_switched_off: FundingFallback,
}

impl Default for Funding {
    fn default() -> Self {
        Self {
            selection: Selection::Automatic,
            when_missing: FundingFallback::Platform,
            when_failed: FundingFallback::Refuse,
            when_switched_off: FundingFallback::Platform,
        }
    }
}

impl Funding {
    /// What happens for want of an own key.
    pub const fn fallback(&self, reason: UnavailableReason) -> FundingFallback {
        match reason {
            UnavailableReason::Failed => self.when_failed,
            UnavailableReason::Missing => self.when_missing,
            UnavailableReason::SwitchedOff => self.when_switched_off,
        }
    }

    /// Whether the platform pays in no case in which it would not pay under `before`.
    pub fn bills_the_platform_no_more_than(&self, before: &Self) -> bool {
        let pays = |policy: &Self| {
            let fallback = |reason| policy.fallback(reason) == FundingFallback::Platform;
            match policy.selection {
                // Without a name, whatever own keys there are.
                Selection::WhenNamed => [fallback(UnavailableReason::Missing); 4],
                Selection::Automatic => [
                    false,
                    fallback(UnavailableReason::Missing),
                    fallback(UnavailableReason::Failed),
                    fallback(UnavailableReason::SwitchedOff),
                ],
            }
        };
        let (now, then) = (pays(self), pays(before));
        now.into_iter().zip(then).all(|(now, then)| then || !now)
    }
}

/// What a project, a key or a request says of who may pay. Nothing where it says nothing.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// When own keys are used.
    pub selection: Option<Selection>,
    /// When there is none for a request.
    pub when_missing: Option<FundingFallback>,
    /// When one failed.
    pub when_failed: Option<FundingFallback>,
    /// When the operator has switched them off.
    pub when_switched_off: Option<FundingFallback>,
}

impl Narrowing {
    /// Whether the platform may stand in, as far as this level has a say.
    pub fn allows_platform_fallback(&self, reason: UnavailableReason) -> bool {
        let said = match reason {
            UnavailableReason::Failed => self.when_failed,
            UnavailableReason::Missing => self.when_missing,
            UnavailableReason::SwitchedOff => self.when_switched_off,
        };
        said != Some(FundingFallback::Refuse)
    }

    /// Whether own keys are for requests that name one, as far as this level has a say.
    pub fn wants_a_name(&self) -> bool {
        self.selection == Some(Selection::WhenNamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(selection: Selection, [missing, failed, off]: [FundingFallback; 3]) -> Funding {
        Funding {
            selection,
            when_missing: missing,
            when_failed: failed,
            when_switched_off: off,
        }
    }

    #[test]
    fn who_is_not_the_operator_can_only_spare_the_platform() {
        use FundingFallback::{Platform, Refuse};
        use Selection::{Automatic, WhenNamed};
        let default = Funding::default();
        for (new, allowed) in [
            (default, true),
            (policy(Automatic, [Refuse, Refuse, Refuse]), true),
            (policy(Automatic, [Refuse, Refuse, Platform]), true),
            (policy(Automatic, [Platform, Platform, Platform]), false),
            // Every request without a name would be the platform's.
            (policy(WhenNamed, [Platform, Refuse, Refuse]), false),
            (policy(WhenNamed, [Refuse, Refuse, Refuse]), true),
        ] {
            let spares = new.bills_the_platform_no_more_than(&default);
            assert_eq!(spares, allowed, "{new:?}");
        }
        let anchor = policy(WhenNamed, [Platform, Refuse, Refuse]);
        assert!(default.bills_the_platform_no_more_than(&anchor));
    }
}
