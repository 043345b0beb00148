//! HKDF with SHA-512 (RFC 5869).

use ring::hkdf::{HKDF_SHA512, KeyType, Salt};

/// Extract, then expand to the length of `out`.
///
/// `info` is the concatenation of its parts; keeping it unambiguous is up to the caller. Fails if
/// `out` is longer than 255 hashes, the limit of RFC 5869 section 2.3.
pub(crate) fn derive(
    salt: &[u8],
    key: &[u8],
    info: &[&[u8]],
    out: &mut [u8],
) -> Result<(), OutputTooLong> {
    Salt::new(HKDF_SHA512, salt)
        .extract(key)
        .expand(info, OutputLen(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| OutputTooLong)
}

/// The requested output is longer than HKDF allows.
#[derive(Debug)]
pub(crate) struct OutputTooLong;

struct OutputLen(usize);

impl KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}
