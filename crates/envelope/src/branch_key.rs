//! The key of one workspace, between the root key and the data keys.

use ring::rand::SecureRandom;

use crate::context::DataKeyContext;
use crate::data_key::DataKey;
use crate::error::{IntegrityError, SealError};
use crate::key_bytes::KeyBytes;
use crate::seal::{open, seal};
use crate::sealed::Sealed;
use crate::suite::Suite;

/// A branch key: wraps the data keys of one workspace, and nothing else.
///
/// It has no `Debug`, no `Clone` and no way to its bytes except wrapped by a
/// [`RootKey`](crate::RootKey).
pub struct BranchKey(pub(crate) KeyBytes);

impl BranchKey {
    /// A fresh key.
    pub fn generate(rng: &dyn SecureRandom) -> Result<Self, SealError> {
        KeyBytes::generate(rng).map(Self)
    }

    /// Wraps a data key.
    pub fn wrap_data_key(
        &self,
        rng: &dyn SecureRandom,
        suite: Suite,
        key: &DataKey,
        context: &DataKeyContext<'_>,
    ) -> Result<Sealed, SealError> {
        seal(&self.0, rng, suite, key.0.as_bytes(), context)
    }

    /// Unwraps a data key that was wrapped by this key for this context.
    pub fn unwrap_data_key(
        &self,
        wrapped: &[u8],
        context: &DataKeyContext<'_>,
    ) -> Result<DataKey, IntegrityError> {
        let key = open(&self.0, wrapped, context)?;
        KeyBytes::from_opened(&key).map(DataKey)
    }
}
