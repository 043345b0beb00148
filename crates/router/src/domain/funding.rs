//! The conditions of a request for its key: the allowed payers, and the caller's expectations.

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyVersionName;

use super::attempt::Payer;

/// Narrows the allowed payers within the policies. A field that is none changes nothing.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Funding {
    /// When customers' own keys are used.
    pub selection: Option<Selection>,
    /// When no own key is available.
    pub when_missing: Option<FundingFallback>,
    /// When an own key has failed.
    pub when_failed: Option<FundingFallback>,
    /// When the operator has switched own keys off.
    pub when_switched_off: Option<FundingFallback>,
}

/// When customers' own keys are used.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Selection {
    /// For every request that an own key can serve.
    Automatic,
    /// Only for requests that name one.
    WhenNamed,
}

/// What replaces a call with a customer's own key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FundingFallback {
    /// The platform's key is used.
    Platform,
    /// The request is refused.
    Refuse,
}

/// A caller's expectations of the key; the default is met by any key.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Expectations {
    /// The key's provider.
    pub provider: Option<ProviderId>,
    /// The version in use.
    pub key_version: Option<KeyVersionName>,
    /// The party that pays.
    pub payer: Option<Payer>,
    /// The key's location, such as a Vertex region; never empty.
    pub location: Option<String>,
}
