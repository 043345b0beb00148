//! What the operator allows of a provider.

/// What of a provider a workspace may use. By default, everything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// Whether own keys may be used.
    pub own_keys: bool,
    /// Chat.
    pub chat: bool,
    /// Embeddings.
    pub embeddings: bool,
    /// Making pictures.
    pub images: bool,
    /// When not empty, the only models that may be asked for.
    pub allowed_models: Vec<String>,
    /// Models that may not be asked for; wins over `allowed_models`.
    pub denied_models: Vec<String>,
    /// The model of a request that names none, with a key that has no default; empty for none.
    pub default_model: String,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            own_keys: true,
            chat: true,
            embeddings: true,
            images: true,
            allowed_models: Vec::new(),
            denied_models: Vec::new(),
            default_model: String::new(),
        }
    }
}
