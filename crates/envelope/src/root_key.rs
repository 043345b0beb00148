//! The key at the top, held by a provider outside the database.

use std::fmt::Write;

use ring::rand::SecureRandom;

use crate::branch_key::BranchKey;
use crate::context::BranchKeyContext;
use crate::error::{IntegrityError, SealError};
use crate::hazmat::hkdf;
use crate::key_bytes::{KEY_LEN, KeyBytes};
use crate::lookup_key::LookupKey;
use crate::seal::{open, seal};
use crate::sealed::Sealed;
use crate::suite::Suite;

/// A root key (KEK): wraps branch keys and lookup keys, and nothing else.
///
/// It is a key of the keyring file, or the random key that a remote provider (a KMS, an HSM) wraps;
/// either way the binding to the context is made here and depends on no provider.
/// It has no `Debug`, no `Clone` and no way to its bytes.
pub struct RootKey(KeyBytes);

impl RootKey {
    /// Copies the key out of a buffer, which remains the caller's to wipe.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self(KeyBytes::copied_from(bytes))
    }

    /// The key's name: 32 lower-case hex digits, derived from its bytes so that name and key cannot
    /// drift apart. It reveals nothing about the key and may be stored and logged.
    pub fn id(&self) -> String {
        let mut id = [0; ID_LEN];
        self.derive(ID_LABEL, &mut id);
        id.iter()
            .fold(String::with_capacity(2 * ID_LEN), |mut hex, byte| {
                write!(hex, "{byte:02x}").expect("writing to a String does not fail");
                hex
            })
    }

    /// Wraps a branch key.
    pub fn wrap_branch_key(
        &self,
        rng: &dyn SecureRandom,
        suite: Suite,
        key: &BranchKey,
        context: &BranchKeyContext<'_>,
    ) -> Result<Sealed, SealError> {
        seal(&self.0, rng, suite, key.0.as_bytes(), context)
    }

    /// Unwraps a branch key that was wrapped by this key for this context.
    pub fn unwrap_branch_key(
        &self,
        wrapped: &[u8],
        context: &BranchKeyContext<'_>,
    ) -> Result<BranchKey, IntegrityError> {
        let key = open(&self.0, wrapped, context)?;
        KeyBytes::from_opened(&key).map(BranchKey)
    }

    /// Wraps a lookup key.
    pub fn wrap_lookup_key(
        &self,
        rng: &dyn SecureRandom,
        suite: Suite,
        key: &LookupKey,
        context: &BranchKeyContext<'_>,
    ) -> Result<Sealed, SealError> {
        seal(
            &self.lookup_wrapping_key(),
            rng,
            suite,
            key.0.as_bytes(),
            context,
        )
    }

    /// Unwraps a lookup key that was wrapped by this key for this context.
    pub fn unwrap_lookup_key(
        &self,
        wrapped: &[u8],
        context: &BranchKeyContext<'_>,
    ) -> Result<LookupKey, IntegrityError> {
        let key = open(&self.lookup_wrapping_key(), wrapped, context)?;
        KeyBytes::from_opened(&key).map(LookupKey)
    }

    /// What seals lookup keys in place of the root key itself.
    ///
    /// Lookup keys share purpose and context with branch keys, and the blob has no room to tell
    /// them apart. Sealing them under another key does: neither opens as the other, whatever ids
    /// the contexts carry, because the commitment does not match.
    fn lookup_wrapping_key(&self) -> KeyBytes {
        let mut key = KeyBytes::zeroed();
        self.derive(LOOKUP_LABEL, key.as_mut_slice());
        key
    }

    /// `HKDF-SHA512(salt = "", key, info = label)`. SEAL's info starts with a label of its own, so
    /// nothing derived here can be met there.
    fn derive(&self, label: &[u8], out: &mut [u8]) {
        hkdf::derive(b"", self.0.as_bytes(), &[label], out)
            .expect("at most 32 bytes, within HKDF's 255 * 64");
    }
}

const ID_LEN: usize = 16;
const ID_LABEL: &[u8] = b"latchkey-root-id/1\0";
const LOOKUP_LABEL: &[u8] = b"latchkey-lookup-wrap/1\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_follows_the_bytes() {
        let id = RootKey::from_bytes(&[1; 32]).id();
        assert_eq!(id, RootKey::from_bytes(&[1; 32]).id());
        assert_ne!(id, RootKey::from_bytes(&[2; 32]).id());
        assert_eq!(id.len(), 32);
        assert!(
            id.bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        );
    }
}
