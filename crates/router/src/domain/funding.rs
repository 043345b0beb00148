//! What a request says of the key that it gets: who may pay for it, and what is expected of it.

use latchkey_contract::names::KeyVersionName;

use super::attempt::Payer;

/// Narrows who may pay; nothing is as the policies say. The vault keeps to it, beside the policies.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Funding {
    /// When own keys are used.
    pub selection: Option<Selection>,
    /// When there is no own key.
    pub when_missing: Option<FundingFallback>,
    /// When an own key failed.
    pub when_failed: Option<FundingFallback>,
    /// When the operator has switched own keys off.
    pub when_switched_off: Option<FundingFallback>,
}

/// When own keys are used.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Selection {
    /// For every request that one can serve.
    Automatic,
    /// For requests that name one.
    WhenNamed,
}

/// What happens instead of a call with an own key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FundingFallback {
    /// The platform's key is used.
    Platform,
    /// The request is refused.
    Refuse,
}

/// What is expected of the key; a default is met by any.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Expectations {
    /// Whose key it is, by its id; empty for anybody's.
    pub provider: String,
    /// The version in use.
    pub key_version: Option<KeyVersionName>,
    /// Who pays.
    pub payer: Option<Payer>,
    /// Where its provider serves it; empty for anywhere.
    pub location: String,
}
