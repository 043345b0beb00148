//! What a key is needed for.

/// What a request does with a key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Capability {
    /// Embeddings.
    Embed,
    /// Chat, streamed or not, and counting its tokens.
    Generate,
    /// Images.
    GenerateImages,
    /// The provider's list of models.
    ListModels,
}
