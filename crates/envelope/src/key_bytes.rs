//! The 32 bytes inside every kind of key.

use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use crate::error::{IntegrityError, SealError};

pub(crate) const KEY_LEN: usize = 32;

/// Key bytes that are wiped when dropped. They live on the heap, so that moving a key moves a
/// pointer and leaves no copy of the bytes on the stack.
pub(crate) struct KeyBytes(Box<Zeroizing<[u8; KEY_LEN]>>);

impl KeyBytes {
    pub(crate) fn generate(rng: &dyn SecureRandom) -> Result<Self, SealError> {
        let mut key = Self::zeroed();
        rng.fill(key.as_mut_slice())
            .map_err(|_| SealError::Randomness)?;
        Ok(key)
    }

    pub(crate) fn copied_from(bytes: &[u8; KEY_LEN]) -> Self {
        let mut key = Self::zeroed();
        key.as_mut_slice().copy_from_slice(bytes);
        key
    }

    /// The key inside an opened wrap.
    pub(crate) fn from_opened(plaintext: &[u8]) -> Result<Self, IntegrityError> {
        plaintext
            .try_into()
            .map(Self::copied_from)
            .map_err(|_| IntegrityError)
    }

    /// All zero, to be filled in place.
    pub(crate) fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LEN])))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0[..]
    }
}
