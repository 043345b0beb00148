//! The crate's errors. They deliberately give no details of a failed opening.

/// An opening or a verification failed.
///
/// There is one value for every cause: a malformed blob, a wrong key, a wrong context, a flipped
/// bit. Telling them apart would give a partitioning oracle to anyone who can submit blobs
/// (Len, Grubbs, Ristenpart, USENIX Security 2021).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("integrity check failed")]
pub struct IntegrityError;

/// A key could not be made or a blob could not be sealed. Nothing secret is involved in the causes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// The source of randomness failed; sealing with anything less than fresh salt is not tried.
    #[error("the source of randomness failed")]
    Randomness,
    /// The context has a field that its encoding cannot hold.
    #[error("the context cannot be encoded")]
    Context(#[source] TlvError),
    /// The plaintext is longer than the cipher allows (about 64 GiB for AES-GCM).
    #[error("the plaintext is longer than the cipher allows")]
    TooLong,
}

/// A list of tagged values could not be encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlvError {
    /// A tag is not greater than the one before it.
    #[error("tag {0} repeats or precedes an earlier tag")]
    TagOrder(u8),
    /// A value is longer than its 16-bit length can say.
    #[error("the value of tag {0} is longer than 65535 bytes")]
    ValueTooLong(u8),
}
