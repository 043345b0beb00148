//! The stored form of everything sealed: one header, one ciphertext.
//!
//! ```text
//! offset  length  field
//!      0       4  magic "LKY1"
//!      4       2  suite, big-endian
//!      6       1  purpose
//!      7       1  flags, zero
//!      8      32  salt
//!     40      32  commitment
//!     72    n+16  ciphertext ‖ tag
//! ```

use crate::error::IntegrityError;
use crate::key_bytes::KEY_LEN;
use crate::suite::Suite;

pub(crate) const PREFIX_LEN: usize = 8;
pub(crate) const SALT_LEN: usize = 32;
pub(crate) const COMMITMENT_LEN: usize = 32;
pub(crate) const HEADER_LEN: usize = PREFIX_LEN + SALT_LEN + COMMITMENT_LEN;
pub(crate) const TAG_LEN: usize = 16;

const MAGIC: [u8; 4] = *b"LKY1";
const NO_FLAGS: u8 = 0;

/// A well-formed blob: its header is sound; whether it opens is another question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    bytes: Vec<u8>,
    suite: Suite,
    commitment: [u8; COMMITMENT_LEN],
}

impl Sealed {
    /// Reads a stored blob that should serve `purpose`.
    pub fn parse(bytes: &[u8], purpose: Purpose) -> Result<Self, IntegrityError> {
        let fields = Fields::parse(bytes, purpose)?;
        Ok(Self {
            bytes: bytes.to_vec(),
            suite: fields.suite,
            commitment: *fields.commitment,
        })
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The commitment to key and context. A payload's goes into its data key's context.
    pub fn commitment(&self) -> [u8; COMMITMENT_LEN] {
        self.commitment
    }

    /// The suite it is sealed with, for a policy on which suites may still be read.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(crate) fn assembled(
        bytes: Vec<u8>,
        suite: Suite,
        commitment: [u8; COMMITMENT_LEN],
    ) -> Self {
        Self {
            bytes,
            suite,
            commitment,
        }
    }
}

/// What a blob is for.
///
/// The number 4 is kept for entries of a keyring file; nothing seals them yet and the parser
/// refuses it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Purpose {
    /// A secret, sealed under a data key.
    Payload = 1,
    /// A data key, wrapped under a branch key.
    DataKey = 2,
    /// A branch key or a lookup key, wrapped under a root key.
    BranchKey = 3,
}

impl Purpose {
    /// Whether ciphertext and tag may be that long: a wrapped key has one length.
    const fn allows(self, ciphertext_and_tag: usize) -> bool {
        match self {
            Self::Payload => ciphertext_and_tag >= TAG_LEN,
            Self::DataKey | Self::BranchKey => ciphertext_and_tag == KEY_LEN + TAG_LEN,
        }
    }
}

/// A blob taken apart, after every check that needs no key.
pub(crate) struct Fields<'a> {
    pub(crate) suite: Suite,
    pub(crate) header: &'a [u8; HEADER_LEN],
    pub(crate) prefix: &'a [u8; PREFIX_LEN],
    pub(crate) salt: &'a [u8; SALT_LEN],
    pub(crate) commitment: &'a [u8; COMMITMENT_LEN],
    pub(crate) ciphertext_and_tag: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(blob: &'a [u8], purpose: Purpose) -> Result<Self, IntegrityError> {
        Self::split(blob)
            .filter(|fields| {
                *fields.prefix == prefix(fields.suite, purpose)
                    && purpose.allows(fields.ciphertext_and_tag.len())
            })
            .ok_or(IntegrityError)
    }

    fn split(blob: &'a [u8]) -> Option<Self> {
        let (header, ciphertext_and_tag) = blob.split_first_chunk::<HEADER_LEN>()?;
        let (prefix, rest) = header.split_first_chunk::<PREFIX_LEN>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>()?;
        let commitment = rest.first_chunk::<COMMITMENT_LEN>()?;
        let suite = Suite::from_id(u16::from_be_bytes([prefix[4], prefix[5]]))?;
        Some(Self {
            suite,
            header,
            prefix,
            salt,
            commitment,
            ciphertext_and_tag,
        })
    }
}

/// The first eight bytes of a header. They have one right value for each suite and purpose, so
/// parsing compares where it could interpret.
pub(crate) const fn prefix(suite: Suite, purpose: Purpose) -> [u8; PREFIX_LEN] {
    let [m0, m1, m2, m3] = MAGIC;
    let [s0, s1] = suite.id().to_be_bytes();
    [m0, m1, m2, m3, s0, s1, purpose as u8, NO_FLAGS]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_may_be_empty_but_not_lack_its_tag() {
        let mut blob = [
            &prefix(Suite::Aes256Gcm, Purpose::Payload)[..],
            &[0; 64 + 16],
        ]
        .concat();
        assert!(Sealed::parse(&blob, Purpose::Payload).is_ok());
        blob.pop();
        assert_eq!(Sealed::parse(&blob, Purpose::Payload), Err(IntegrityError));
    }

    #[test]
    fn a_wrapped_key_has_one_length() {
        for purpose in [Purpose::DataKey, Purpose::BranchKey] {
            for length in 0..200 {
                let blob = [
                    &prefix(Suite::Aes256Gcm, purpose)[..],
                    &[0; 64],
                    &vec![0; length],
                ]
                .concat();
                assert_eq!(
                    Sealed::parse(&blob, purpose).is_ok(),
                    length == 48,
                    "{length}"
                );
            }
        }
    }

    /// The derivation would refuse them too; a parser that lets them pass would hand out their
    /// commitments.
    #[test]
    fn the_parser_alone_refuses_every_other_prefix() {
        let mut blob = [
            &prefix(Suite::Aes256Gcm, Purpose::DataKey)[..],
            &[0; 64 + 48],
        ]
        .concat();
        for bit in 0..PREFIX_LEN * 8 {
            blob[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Sealed::parse(&blob, Purpose::DataKey),
                Err(IntegrityError),
                "bit {bit}"
            );
            blob[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(Sealed::parse(&blob, Purpose::DataKey).is_ok());
    }

    #[test]
    fn parsing_keeps_the_bytes_and_reads_the_commitment() {
        let blob = [
            &prefix(Suite::ChaCha20Poly1305, Purpose::DataKey)[..],
            &[7; 32],
            &[8; 32],
            &[9; 48],
        ]
        .concat();
        let sealed = Sealed::parse(&blob, Purpose::DataKey).expect("it is well-formed");
        assert_eq!(sealed.as_bytes(), blob);
        assert_eq!(sealed.commitment(), [8; 32]);
        assert_eq!(sealed.suite(), Suite::ChaCha20Poly1305);
        assert_eq!(sealed.into_bytes(), blob);
    }
}
