//! The funding policies: whether the workspace's owner or the platform pays for a call.
//!
//! The workspace has a complete policy. A project, a key or a request may narrow it. Every level must
//! allow the payer; no level widens another.

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

/// What happens where no own key serves a request.
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

/// The reason for which no own key serves a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnavailableReason {
    /// An own key exists and failed.
    Failed,
    /// No own key exists for the request.
    Missing,
    /// An own key exists, and the operator has switched own keys off.
    SwitchedOff,
}

/// The policy of a workspace.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Funding {
    /// When own keys are used.
    pub selection: Selection,
    /// The fallback where no own key exists for a request.
    pub when_missing: FundingFallback,
    /// The fallback where an own key failed.
    pub when_failed: FundingFallback,
    /// The fallback where the operator has switched own keys off.
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
    /// The fallback for a reason.
    pub const fn fallback(&self, reason: UnavailableReason) -> FundingFallback {
        match reason {
            UnavailableReason::Failed => self.when_failed,
            UnavailableReason::Missing => self.when_missing,
            UnavailableReason::SwitchedOff => self.when_switched_off,
        }
    }

    /// Whether the platform pays only in cases in which it pays under `before` too.
    pub fn bills_the_platform_no_more_than(&self, before: &Self) -> bool {
        let pays = |policy: &Self| {
            let fallback = |reason| policy.fallback(reason) == FundingFallback::Platform;
            match policy.selection {
                // A request without a name, whatever own keys exist.
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

/// The funding policy of a project, a key or a request. `None` leaves a field to the other levels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// When own keys are used.
    pub selection: Option<Selection>,
    /// The fallback where no own key exists for a request.
    pub when_missing: Option<FundingFallback>,
    /// The fallback where an own key failed.
    pub when_failed: Option<FundingFallback>,
    /// The fallback where the operator has switched own keys off.
    pub when_switched_off: Option<FundingFallback>,
}

impl Narrowing {
    /// Whether this level allows the platform to pay.
    pub fn allows_platform_fallback(&self, reason: UnavailableReason) -> bool {
        let fallback = match reason {
            UnavailableReason::Failed => self.when_failed,
            UnavailableReason::Missing => self.when_missing,
            UnavailableReason::SwitchedOff => self.when_switched_off,
        };
        fallback != Some(FundingFallback::Refuse)
    }

    /// Whether this level reserves own keys for requests that name one.
    pub fn requires_name(&self) -> bool {
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
    fn a_policy_that_adds_no_case_of_the_platform_paying_is_no_costlier() {
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
