//! What can go wrong with keys and what they protect.

use latchkey_envelope::{IntegrityError, SealError};

use crate::domain::uid::RandomnessError;
use crate::store::StoreError;

/// A failure of custody.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// A row or sealed value is not what was stored. One error for every cause, so that nothing is
    /// learned from trying.
    #[error("integrity check failed")]
    Integrity,
    /// The system's source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// The keyring lacks the root key that a branch key was wrapped under.
    #[error("the keyring lacks a root key that is in use")]
    RootKeyMissing,
    /// Sealing failed.
    #[error("sealing failed")]
    Seal(#[source] SealError),
    /// The database failed.
    #[error("the wrapped keys could not be read")]
    Store(#[source] StoreError),
}

impl From<IntegrityError> for CustodyError {
    fn from(_: IntegrityError) -> Self {
        Self::Integrity
    }
}

impl From<RandomnessError> for CustodyError {
    fn from(_: RandomnessError) -> Self {
        Self::Randomness
    }
}

impl From<SealError> for CustodyError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<StoreError> for CustodyError {
    fn from(error: StoreError) -> Self {
        match error {
            // A row that can't be a domain value was not written by a vault.
            StoreError::Inconsistent { .. } => Self::Integrity,
            error => Self::Store(error),
        }
    }
}
