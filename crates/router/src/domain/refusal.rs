//! The vault's refusal to lease a key, as the router returns it to the caller.

use std::collections::HashMap;

use latchkey_contract::Reason;

use super::model_target::ModelTarget;

/// Why the vault leased no key.
#[derive(Clone, Debug)]
pub struct VaultRefusal {
    /// The reason.
    pub reason: Reason,
    /// The vault's message.
    pub message: String,
    /// Details, such as the rule that excluded each key.
    pub metadata: HashMap<String, String>,
    /// The fields at fault, each with its problem.
    pub violations: Vec<(String, String)>,
    /// The workspace's own fallbacks.
    pub fallbacks: Vec<ModelTarget>,
}

impl VaultRefusal {
    /// Whether the request is valid and no key may serve it: another model may still be served.
    pub fn leaves_other_models(&self) -> bool {
        matches!(
            self.reason,
            Reason::ExpectationUnmet
                | Reason::KeyUnusable
                | Reason::OwnKeyRequired
                | Reason::PolicyForbids
        )
    }

    /// Whether the vault considered keys: the request is valid, and the reason lies with them.
    pub fn concerns_the_keys(&self) -> bool {
        self.leaves_other_models() || self.reason == Reason::ProviderMismatch
    }
}
