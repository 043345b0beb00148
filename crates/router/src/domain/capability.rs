//! The use of a key by a request.

/// The use for which a request needs a key.
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
