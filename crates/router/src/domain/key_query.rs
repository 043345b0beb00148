//! The selection criteria for a key.

use std::sync::Arc;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, Scope};

use super::attempt::Payer;
use super::capability::Capability;
use super::funding::{Expectations, Funding};
use super::key_ref::KeyRef;
use super::model_id::ModelId;

/// A query for a key. Leases are cached by their query. It holds the scope, so workspaces never share
/// a lease.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyQuery {
    /// The scope of the request.
    pub scope: Scope,
    /// The caller's identity: a key may be restricted to certain callers.
    pub caller: Arc<str>,
    /// A key and no other.
    pub key: Option<KeyRef>,
    /// The provider.
    pub provider: Option<ProviderId>,
    /// The model; none for the key's default.
    pub model: Option<ModelId>,
    /// The use of the key.
    pub capability: Capability,
    /// Keys to skip, sorted.
    pub excluded: Vec<KeyName>,
    /// The party that must pay; none where the policies decide.
    pub payer: Option<Payer>,
    /// The request's own narrowing of the allowed payers.
    pub funding: Funding,
    /// Expectations of the key; none where the request has none, so that such requests share leases.
    pub expectations: Option<Arc<Expectations>>,
    /// Whether a customer's own key failed for the same request before.
    pub own_key_failed: bool,
}
