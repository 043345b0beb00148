//! What is asked of the vault.

use std::sync::Arc;

use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::vault::v1::funding_policy;
use latchkey_contract::vault::v1::{self, Capability, FundingPolicy, ResolveRequest};

use super::Lease;
use crate::domain::attempt::Payer;
use crate::domain::funding::{Expectations, Funding, FundingFallback, Selection};

/// What a request asks of the vault. The cache is keyed by it, scope first, so that an entry can't
/// be another workspace's.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyQuery {
    /// The scope of the request.
    pub scope: Scope,
    /// Who asks: a key may be for certain callers.
    pub caller: Arc<str>,
    /// A key by name, or empty.
    pub key: String,
    /// A provider id, or empty.
    pub provider: String,
    /// A model, or empty.
    pub model: String,
    /// What the request does.
    pub capability: Capability,
    /// Keys to pass over, sorted.
    pub excluded: Vec<KeyName>,
    /// Who must pay; none when the policies decide.
    pub payer: Option<Payer>,
    /// Who may pay, by the request's own word.
    pub funding: Funding,
    /// What is expected of the key; none when that is nothing.
    pub expectations: Option<Arc<Expectations>>,
    /// Whether an own key failed for the same request before.
    pub own_key_failed: bool,
}

impl KeyQuery {
    /// Whether a lease keeps to it. A request must neither go in circles nor be paid for against its
    /// own word, whatever the vault says.
    pub(super) fn allows(&self, lease: &Lease) -> bool {
        let payer = lease.payer();
        let may_pay = match payer {
            Payer::OwnKey => {
                !self.key.is_empty() || self.funding.selection != Some(Selection::WhenNamed)
            }
            Payer::Platform => {
                !self.own_key_failed || self.funding.when_failed != Some(FundingFallback::Refuse)
            }
        };
        let expected = self.expectations.as_deref();
        may_pay
            && self.payer.is_none_or(|pays| pays == payer)
            && !self.excluded.contains(&lease.key_version().key)
            && expected.is_none_or(|expected| meets(lease, expected))
    }

    /// The question to the vault, in a session.
    pub(super) fn question(&self, session: &str) -> ResolveRequest {
        let expectations = self.expectations.as_deref();
        ResolveRequest {
            router_session: session.to_owned(),
            parent: self.scope.to_string(),
            key: self.key.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            capability: self.capability.into(),
            excluded_keys: self.excluded.iter().map(ToString::to_string).collect(),
            payer: self.payer.map_or(0, wire_payer),
            caller: self.caller.to_string(),
            funding: (self.funding != Funding::default()).then(|| policy(self.funding)),
            expectations: expectations.map(wire_expectations),
            own_key_failed: self.own_key_failed,
            dry_run: false,
            preferred_key: String::new(),
        }
    }
}

fn meets(lease: &Lease, expected: &Expectations) -> bool {
    let version = expected.key_version.as_ref();
    (expected.provider.is_empty() || expected.provider == lease.provider().as_str())
        && version.is_none_or(|version| version == lease.key_version())
        && expected.payer.is_none_or(|payer| payer == lease.payer())
        && (expected.location.is_empty() || expected.location == lease.location())
}

fn policy(funding: Funding) -> FundingPolicy {
    use funding_policy as wire;
    let selection = |selection| match selection {
        Selection::Automatic => wire::Selection::Automatic.into(),
        Selection::WhenNamed => wire::Selection::WhenNamed.into(),
    };
    let fallback = |instead| match instead {
        FundingFallback::Platform => wire::FundingFallback::Platform.into(),
        FundingFallback::Refuse => wire::FundingFallback::Refuse.into(),
    };
    FundingPolicy {
        selection: funding.selection.map_or(0, selection),
        when_missing: funding.when_missing.map_or(0, fallback),
        when_failed: funding.when_failed.map_or(0, fallback),
        when_switched_off: funding.when_switched_off.map_or(0, fallback),
    }
}

fn wire_expectations(expected: &Expectations) -> v1::Expectations {
    let version = expected.key_version.as_ref();
    v1::Expectations {
        provider: expected.provider.clone(),
        key_version: version.map(ToString::to_string).unwrap_or_default(),
        payer: expected.payer.map_or(0, wire_payer),
        location: expected.location.clone(),
    }
}

fn wire_payer(payer: Payer) -> i32 {
    match payer {
        Payer::OwnKey => v1::Payer::OwnKey.into(),
        Payer::Platform => v1::Payer::Platform.into(),
    }
}
