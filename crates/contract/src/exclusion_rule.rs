//! Why a key was not chosen: the rules of `Exclusion.rule`, `Candidate.rule` and
//! `ExplainedKey.rule`. `docs/choice.md` explains the order in which they apply.

use std::fmt;
use std::str::FromStr;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)+) => {
        /// A rule that excludes a key, in `UPPER_SNAKE_CASE` on the wire.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum ExclusionRule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ExclusionRule {
            /// Every rule, in the order in which they apply.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The meaning of the rule, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

rules! {
    /// The named key belongs to another provider than the request names.
    ProviderMismatch = "PROVIDER_MISMATCH";
    /// The workspace or the project does not allow the capability or the model.
    WorkspaceForbids = "WORKSPACE_FORBIDS";
    /// The operator has switched the capability off for the provider.
    FeatureOff = "FEATURE_OFF";
    /// The operator does not offer the model.
    ModelOff = "MODEL_OFF";
    /// The operator has switched customers' own keys of the provider off.
    OwnKeysOff = "OWN_KEYS_OFF";
    /// The provider may retain data with this key, and the workspace requires zero retention.
    Retention = "RETENTION";
    /// The key's owner has disabled it.
    KeyDisabled = "KEY_DISABLED";
    /// The provider refused the key, and no check has accepted it since.
    KeyQuarantined = "KEY_QUARANTINED";
    /// The key has expired.
    KeyExpired = "KEY_EXPIRED";
    /// The request has tried the key already, or the router knows that it is throttled.
    AlreadyTried = "ALREADY_TRIED";
    /// The key is restricted to other callers.
    CallerDenied = "CALLER_DENIED";
    /// The request names no model, and neither the key nor the provider has a default.
    NoDefaultModel = "NO_DEFAULT_MODEL";
    /// The key's own rules deny the model.
    ModelDenied = "MODEL_DENIED";
    /// The key is used only by requests that name it.
    NotNamed = "NOT_NAMED";
    /// Another party would pay than the request allows.
    PayerDiffers = "PAYER_DIFFERS";
    /// A customer's own key can be used, so the platform does not pay.
    OwnKeyFirst = "OWN_KEY_FIRST";
    /// The platform's key may be used once the customer's own keys have failed.
    AfterFailure = "AFTER_FAILURE";
    /// The funding policy does not let the platform pay.
    PlatformNotAllowed = "PLATFORM_NOT_ALLOWED";
    /// The key does not meet the request's expectations.
    Expectation = "EXPECTATION";
    /// A key of a nearer owner, or with a lower priority number, comes first.
    Outranked = "OUTRANKED";
    /// Another key of the same rank was selected by weight.
    NotSelected = "NOT_SELECTED";
    /// Router: a call may cost more than the request's `max_cost_nanos`.
    CostExpectation = "COST_EXPECTATION";
    /// Router: the key's provider failed repeatedly, and the circuit breaker is open.
    BreakerOpen = "BREAKER_OPEN";
    /// Router: the provider throttled or refused the key for this model a moment ago.
    CoolingDown = "COOLING_DOWN";
}

/// The error for a text that is not a rule of this version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a known exclusion rule")]
pub struct UnknownRule;

impl ExclusionRule {
    /// Whether the rule excludes the request with every key of the provider.
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            Self::FeatureOff | Self::ModelOff | Self::WorkspaceForbids
        )
    }

    /// Whether the key itself can be used, and only comes after other keys.
    pub const fn leaves_the_key_usable(self) -> bool {
        matches!(
            self,
            Self::AfterFailure | Self::NotSelected | Self::Outranked
        )
    }
}

impl fmt::Display for ExclusionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ExclusionRule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.as_str() == text)
            .ok_or(UnknownRule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_parses_from_its_name() {
        for rule in ExclusionRule::ALL {
            assert_eq!(rule.as_str().parse(), Ok(*rule));
        }
        assert_eq!("LOWER_PRIORITY".parse::<ExclusionRule>(), Err(UnknownRule));
    }
}
