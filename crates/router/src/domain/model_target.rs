//! One step of a plan: a model with its provider and key.

use latchkey_contract::ProviderId;

use super::key_ref::KeyRef;
use super::model_id::ModelId;

/// Fallbacks of one list at most.
pub const MAX_FALLBACKS: usize = 8;

/// A model to call. The choice of the key determines the fields that are none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ModelTarget {
    /// The provider; none where the key determines it.
    pub provider: Option<ProviderId>,
    /// The model; none for the key's default.
    pub model: Option<ModelId>,
    /// A key and no other; none for the vault's choice.
    pub key: Option<KeyRef>,
}

impl ModelTarget {
    /// Whether keys of several providers may serve it, each with its default model.
    pub fn is_open(&self) -> bool {
        self.provider.is_none() && self.key.is_none()
    }

    /// Whether another key may come with another model.
    pub fn model_depends_on_the_key(&self) -> bool {
        self.model.is_none() && self.key.is_none()
    }
}
