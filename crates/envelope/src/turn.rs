//! Turns of a transcript, sealed by the router under a key that the vault leases to it.
//!
//! This is a format of its own, smaller than a blob: one session has one key, and the key seals at
//! most some thousand turns.
//!
//! ```text
//! offset  length  field
//!      0       1  format, 1
//!      1      12  nonce, random
//!     13    n+16  ciphertext ‖ tag, AES-256-GCM (NIST SP 800-38D)
//! ```
//!
//! The associated data is the context: the purpose, the format, then the names of data key and
//! session, each behind its length as a big-endian u32, and the turn's number as a big-endian u64.

use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use crate::error::{IntegrityError, SealError, TlvError};
use crate::hazmat::aead::{self, NONCE_LEN};
use crate::key_bytes::{KEY_LEN, KeyBytes};
use crate::sealed::TAG_LEN;
use crate::secret::Secret;
use crate::suite::Suite;

/// Where a turn belongs: one place in one session's transcript.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TurnContext<'a> {
    /// The resource name of the data key that the turn is sealed under.
    pub data_key: &'a str,
    /// The resource name of the session.
    pub session: &'a str,
    /// The turn's number in the session, from 1.
    pub turn: u64,
}

/// A transcript key: seals the turns of one session's transcript, and nothing else.
///
/// It has no `Debug`, no `Clone` and no way to its bytes.
pub struct TranscriptKey(KeyBytes);

/// The first byte of every sealed turn.
const FORMAT: u8 = 1;
const SUITE: Suite = Suite::Aes256Gcm;
const HEADER_LEN: usize = 1 + NONCE_LEN;

impl TranscriptKey {
    /// Copies the key that the vault leased. Wiping the original is up to the caller.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        Self(KeyBytes::copied_from(bytes))
    }

    /// Seals a turn for its place in the transcript.
    pub fn seal_turn(
        &self,
        rng: &dyn SecureRandom,
        turn: &[u8],
        context: &TurnContext<'_>,
    ) -> Result<Vec<u8>, SealError> {
        let context = context.encode().map_err(SealError::Context)?;
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce).map_err(|_| SealError::Randomness)?;

        // The whole length at once: growing would leave a copy of the plaintext behind. Wiped on
        // the way out of a failure.
        let length = HEADER_LEN + turn.len() + TAG_LEN;
        let mut sealed = Zeroizing::new(Vec::with_capacity(length));
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(turn);
        let body = &mut sealed[HEADER_LEN..];
        let tag = aead::encrypt(SUITE, self.0.as_bytes(), &nonce, &context, body)
            .map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(&tag);
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens a turn that was sealed by this key for this place.
    pub fn open_turn(
        &self,
        sealed: &[u8],
        context: &TurnContext<'_>,
    ) -> Result<Secret, IntegrityError> {
        let (format, rest) = sealed.split_first().ok_or(IntegrityError)?;
        let (nonce, ciphertext_and_tag) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(IntegrityError)?;
        if *format != FORMAT {
            return Err(IntegrityError);
        }
        let context = context.encode().map_err(|_| IntegrityError)?;
        let mut buffer = Zeroizing::new(ciphertext_and_tag.to_vec());
        let length = aead::decrypt(SUITE, self.0.as_bytes(), nonce, &context, &mut buffer)
            .map_err(|_| IntegrityError)?;
        buffer.truncate(length);
        Ok(Secret::from(buffer))
    }
}

impl TurnContext<'_> {
    /// Separates turns from anything else that might be sealed under the same key.
    const PURPOSE: &'static [u8] = b"latchkey session turn";

    /// The canonical bytes.
    fn encode(&self) -> Result<Vec<u8>, TlvError> {
        let mut encoded = [Self::PURPOSE, &[FORMAT]].concat();
        for (position, name) in [(1, self.data_key), (2, self.session)] {
            // Names are short; the limit is that of every other context.
            let length = u16::try_from(name.len()).map_err(|_| TlvError::ValueTooLong(position))?;
            encoded.extend_from_slice(&u32::from(length).to_be_bytes());
            encoded.extend_from_slice(name.as_bytes());
        }
        encoded.extend_from_slice(&self.turn.to_be_bytes());
        Ok(encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_its_purpose_format_names_and_number() {
        let context = TurnContext {
            data_key: "ab",
            session: "",
            turn: 258,
        };
        let expected = b"latchkey session turn\x01\0\0\0\x02ab\0\0\0\0\0\0\0\0\0\0\x01\x02";
        assert_eq!(context.encode().as_deref(), Ok(&expected[..]));
    }

    #[test]
    fn moving_the_cut_between_the_names_changes_the_context() {
        let context = |data_key, session| TurnContext {
            data_key,
            session,
            turn: 1,
        };
        assert_ne!(context("ab", "c").encode(), context("a", "bc").encode());
    }
}
