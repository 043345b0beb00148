//! The key line of a workspace's fingerprints and row MACs.

use ring::rand::SecureRandom;

use crate::error::SealError;
use crate::hazmat::hkdf;
use crate::key_bytes::KeyBytes;
use crate::mac_key::MacKey;

/// A lookup key: the parent of a workspace's MAC keys, and nothing else.
///
/// It is a line of its own beside the branch key, so that rotating root or branch keys leaves
/// fingerprints comparable and rows verifiable. It has no `Debug`, no `Clone` and no way to its
/// bytes except wrapped by a [`RootKey`](crate::RootKey).
pub struct LookupKey(pub(crate) KeyBytes);

impl LookupKey {
    /// A fresh key.
    pub fn generate(rng: &dyn SecureRandom) -> Result<Self, SealError> {
        KeyBytes::generate(rng).map(Self)
    }

    /// The MAC key of one use; different labels give independent keys.
    ///
    /// `HKDF-SHA512(salt = "", key, info = "latchkey-mac/1" ‖ 0 ‖ label)`.
    pub fn mac_key(&self, label: &'static str) -> MacKey {
        let mut key = KeyBytes::zeroed();
        let info = [b"latchkey-mac/1\0", label.as_bytes()];
        hkdf::derive(b"", self.0.as_bytes(), &info, key.as_mut_slice())
            .expect("32 bytes are within HKDF's 255 * 64");
        MacKey::new(key)
    }
}
