//! What requests do.

use serde::{Deserialize, Serialize};

/// What a request does, as far as the choice of a key cares.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Embeddings.
    Embed,
    /// Chat.
    #[default]
    Generate,
    /// Pictures.
    GenerateImages,
    /// The list of the provider's models: it is for no model, so none need be allowed.
    ListModels,
}
