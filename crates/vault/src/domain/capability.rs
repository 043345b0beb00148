//! The capability of a request.

use serde::{Deserialize, Serialize};

/// The kind of a request, as far as the choice of a key depends on it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Embeddings.
    Embed,
    /// Chat.
    #[default]
    Generate,
    /// Images.
    GenerateImages,
    /// The list of the provider's models. It names no model, so no model need be allowed.
    ListModels,
}
