//! Another model to ask when one can't answer.

/// Where a request goes on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fallback {
    /// A provider id; empty when the key or the model tells.
    pub provider: String,
    /// The model, as the provider names it; empty for the key's default.
    pub model: String,
    /// A key and no other; empty for the choice of the vault.
    pub key: String,
}

/// Fallbacks of one list at most.
pub const MAX_FALLBACKS: usize = 8;
