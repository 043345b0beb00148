//! The key of one version of one secret.

use ring::rand::SecureRandom;

use crate::context::PayloadContext;
use crate::error::{IntegrityError, SealError};
use crate::key_bytes::KeyBytes;
use crate::seal::{open, seal};
use crate::sealed::Sealed;
use crate::secret::Secret;
use crate::suite::Suite;

/// A data key (DEK): seals the payload of one version of a secret, and nothing else.
///
/// It has no `Debug`, no `Clone` and no way to its bytes except wrapped by a
/// [`BranchKey`](crate::BranchKey).
pub struct DataKey(pub(crate) KeyBytes);

impl DataKey {
    /// A fresh key.
    pub fn generate(rng: &dyn SecureRandom) -> Result<Self, SealError> {
        KeyBytes::generate(rng).map(Self)
    }

    /// Seals a secret.
    pub fn seal_payload(
        &self,
        rng: &dyn SecureRandom,
        suite: Suite,
        payload: &[u8],
        context: &PayloadContext<'_>,
    ) -> Result<Sealed, SealError> {
        seal(&self.0, rng, suite, payload, context)
    }

    /// Opens a secret that was sealed by this key for this context.
    pub fn open_payload(
        &self,
        sealed: &[u8],
        context: &PayloadContext<'_>,
    ) -> Result<Secret, IntegrityError> {
        open(&self.0, sealed, context).map(Secret::from)
    }
}
