//! Opened secret bytes.

use zeroize::Zeroizing;

/// Secret bytes that are wiped when dropped.
///
/// It has no `Debug`, `Clone`, `PartialEq` or serialisation on purpose: [`Secret::expose`] is the
/// only way out, and the one word to search for.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over the bytes without copying them. Copies that the caller's buffer left behind when
    /// it grew are not reached.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The plaintext.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}
