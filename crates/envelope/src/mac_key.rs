//! A key for message authentication: fingerprints and row MACs.

use subtle::ConstantTimeEq;

use crate::error::IntegrityError;
use crate::hazmat::hmac;
use crate::key_bytes::KeyBytes;

/// A MAC key for one use, made by [`LookupKey::mac_key`](crate::LookupKey::mac_key).
///
/// The bytes are kept and not ring's prepared key, because that one is not wiped.
/// It has no `Debug`, no `Clone` and no way to its bytes.
pub struct MacKey(KeyBytes);

impl MacKey {
    /// HMAC-SHA256 over the parts, each preceded by its length as `u64be`: how a message is cut
    /// into parts is authenticated with it.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; hmac::TAG_LEN] {
        let lengths: Vec<[u8; 8]> = parts
            .iter()
            .map(|part| (part.len() as u64).to_be_bytes())
            .collect();
        let message = lengths
            .iter()
            .zip(parts)
            .flat_map(|(length, part)| [&length[..], part]);
        hmac::sign(self.0.as_bytes(), message)
    }

    /// Whether `tag` is the tag of the parts, compared in constant time.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), IntegrityError> {
        if bool::from(self.tag(parts).ct_eq(tag)) {
            Ok(())
        } else {
            Err(IntegrityError)
        }
    }

    pub(crate) fn new(key: KeyBytes) -> Self {
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MacKey {
        MacKey::new(KeyBytes::copied_from(&[1; 32]))
    }

    #[test]
    fn a_tag_verifies_and_a_flipped_bit_does_not() {
        let mut tag = key().tag(&[b"table", b"row"]);
        assert_eq!(key().verify(&[b"table", b"row"], &tag), Ok(()));
        for bit in 0..tag.len() * 8 {
            tag[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key().verify(&[b"table", b"row"], &tag), Err(IntegrityError));
            tag[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_tag_of_another_length_is_refused() {
        let tag = key().tag(&[b"row"]);
        for refused in [&tag[..31], &[&tag[..], &[0]].concat(), b""] {
            assert_eq!(key().verify(&[b"row"], refused), Err(IntegrityError));
        }
    }

    #[test]
    fn moving_the_cut_between_parts_changes_the_tag() {
        let tags = [
            key().tag(&[b"ab", b"c"]),
            key().tag(&[b"a", b"bc"]),
            key().tag(&[b"abc"]),
            key().tag(&[b"abc", b""]),
            key().tag(&[b"", b"abc"]),
        ];
        let distinct: std::collections::HashSet<_> = tags.iter().collect();
        assert_eq!(distinct.len(), tags.len());
    }
}
