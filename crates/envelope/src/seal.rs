//! The SEAL primitive, used alike at every level of the hierarchy.
//!
//! From the sealing key and a fresh 32-byte salt, HKDF-SHA512 derives an encryption key, a nonce
//! and a commitment. With key and nonce new for every seal, no counter has to survive a crash, and
//! about 2^112 seals under one key keep the risk of a repeated salt below 2^-32. The context's hash
//! is part of the derivation, so the commitment covers key and context together: a swapped row is
//! refused before anything is decrypted, and no ciphertext is valid under two keys.

use std::mem;

use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{IntegrityError, SealError};
use crate::hazmat::{aead, hkdf};
use crate::key_bytes::{KEY_LEN, KeyBytes};
use crate::sealed::{
    COMMITMENT_LEN, Fields, HEADER_LEN, PREFIX_LEN, SALT_LEN, Sealed, TAG_LEN, prefix,
};
use crate::suite::Suite;

/// Seals `plaintext` under `key`, bound to `context`.
pub(crate) fn seal<C: Context>(
    key: &KeyBytes,
    rng: &dyn SecureRandom,
    suite: Suite,
    plaintext: &[u8],
    context: &C,
) -> Result<Sealed, SealError> {
    let context = context.encode().map_err(SealError::Context)?;
    let mut salt = [0; SALT_LEN];
    rng.fill(&mut salt).map_err(|_| SealError::Randomness)?;
    let prefix = prefix(suite, C::PURPOSE);
    let derived = Derived::new(key, &salt, prefix, &context);

    // The whole length at once: growing would leave a copy of the plaintext behind. Wiped on the
    // way out of a failure.
    let length = HEADER_LEN + plaintext.len() + TAG_LEN;
    let mut blob = Zeroizing::new(Vec::with_capacity(length));
    blob.extend_from_slice(&prefix);
    blob.extend_from_slice(&salt);
    blob.extend_from_slice(&derived.commitment);
    let aad = [&blob, &context[..]].concat();
    blob.extend_from_slice(plaintext);
    let tag = aead::encrypt(
        suite,
        &derived.key,
        &derived.nonce,
        &aad,
        &mut blob[HEADER_LEN..],
    )
    .map_err(|_| SealError::TooLong)?;
    blob.extend_from_slice(&tag);
    Ok(Sealed::assembled(
        mem::take(&mut *blob),
        suite,
        derived.commitment,
    ))
}

/// Opens `blob` with `key`, if it was sealed for this `context`.
pub(crate) fn open<C: Context>(
    key: &KeyBytes,
    blob: &[u8],
    context: &C,
) -> Result<Zeroizing<Vec<u8>>, IntegrityError> {
    let fields = Fields::parse(blob, C::PURPOSE)?;
    let context = context.encode().map_err(|_| IntegrityError)?;
    let derived = Derived::new(key, fields.salt, *fields.prefix, &context);

    // Before decryption: a key that the blob does not commit to never meets the cipher.
    if !bool::from(derived.commitment.ct_eq(fields.commitment)) {
        return Err(IntegrityError);
    }

    let aad = [fields.header, &context[..]].concat();
    let mut buffer = Zeroizing::new(fields.ciphertext_and_tag.to_vec());
    let length = aead::decrypt(
        fields.suite,
        &derived.key,
        &derived.nonce,
        &aad,
        &mut buffer,
    )
    .map_err(|_| IntegrityError)?;
    buffer.truncate(length);
    Ok(buffer)
}

/// What one seal uses once: `OKM(76) = key(32) ‖ nonce(12) ‖ commitment(32)`.
struct Derived {
    key: Zeroizing<[u8; KEY_LEN]>,
    nonce: [u8; aead::NONCE_LEN],
    commitment: [u8; COMMITMENT_LEN],
}

impl Derived {
    /// `PRK = Extract(salt, key)`,
    /// `OKM = Expand(PRK, "latchkey-vault/1" ‖ 0 ‖ suite ‖ purpose ‖ flags ‖ SHA-256(context))`.
    fn new(
        key: &KeyBytes,
        salt: &[u8; SALT_LEN],
        prefix: [u8; PREFIX_LEN],
        context: &[u8],
    ) -> Self {
        const LABEL: &[u8] = b"latchkey-vault/1\0";
        const NONCE_AT: usize = KEY_LEN;
        const COMMITMENT_AT: usize = NONCE_AT + aead::NONCE_LEN;

        let context = digest(&SHA256, context);
        let info = [LABEL, &prefix[4..], context.as_ref()];
        let mut okm = Zeroizing::new([0; COMMITMENT_AT + COMMITMENT_LEN]);
        hkdf::derive(salt, key.as_bytes(), &info, &mut okm[..])
            .expect("76 bytes are within HKDF's 255 * 64");

        let mut derived = Self {
            key: Zeroizing::new([0; KEY_LEN]),
            nonce: [0; aead::NONCE_LEN],
            commitment: [0; COMMITMENT_LEN],
        };
        derived.key.copy_from_slice(&okm[..NONCE_AT]);
        derived.nonce.copy_from_slice(&okm[NONCE_AT..COMMITMENT_AT]);
        derived.commitment.copy_from_slice(&okm[COMMITMENT_AT..]);
        derived
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::PayloadContext;
    use crate::sealed::Purpose;

    const CONTEXT: PayloadContext<'_> = PayloadContext {
        deployment: [1; 16],
        workspace: [2; 16],
        key: [3; 16],
        version: 4,
        provider: "openai",
        secret_kind: "api_key",
    };

    /// Assembles a blob around a commitment of one's choice, with a tag that fits it.
    fn blob_committing_to(
        key: &KeyBytes,
        choose: impl Fn([u8; COMMITMENT_LEN]) -> [u8; COMMITMENT_LEN],
    ) -> Vec<u8> {
        let context = CONTEXT.encode().expect("the fields are short");
        let prefix = prefix(Suite::Aes256Gcm, Purpose::Payload);
        let salt = [5; SALT_LEN];
        let derived = Derived::new(key, &salt, prefix, &context);
        let mut blob = [&prefix[..], &salt, &choose(derived.commitment)].concat();
        let aad = [&blob, &context[..]].concat();
        let mut body = b"sk-example".to_vec();
        let tag = aead::encrypt(
            Suite::Aes256Gcm,
            &derived.key,
            &derived.nonce,
            &aad,
            &mut body,
        )
        .expect("it is short");
        blob.extend(body);
        blob.extend(tag);
        blob
    }

    #[test]
    fn a_false_commitment_is_refused_even_when_the_tag_fits() {
        let key = KeyBytes::copied_from(&[6; KEY_LEN]);
        let honest = blob_committing_to(&key, |commitment| commitment);
        let opened = open(&key, &honest, &CONTEXT).expect("it is honest");
        assert_eq!(&opened[..], b"sk-example");

        for bit in 0..COMMITMENT_LEN * 8 {
            let forged = blob_committing_to(&key, |mut commitment| {
                commitment[bit / 8] ^= 1 << (bit % 8);
                commitment
            });
            assert!(open(&key, &forged, &CONTEXT).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_commitment_covers_key_suite_purpose_salt_and_context() {
        let commitment = |key: u8, suite, purpose, salt: u8, context: &[u8]| {
            let key = KeyBytes::copied_from(&[key; KEY_LEN]);
            Derived::new(&key, &[salt; SALT_LEN], prefix(suite, purpose), context).commitment
        };
        let (aes, payload) = (Suite::Aes256Gcm, Purpose::Payload);
        let all = [
            commitment(1, aes, payload, 1, b"context"),
            commitment(2, aes, payload, 1, b"context"),
            commitment(1, Suite::ChaCha20Poly1305, payload, 1, b"context"),
            commitment(1, aes, Purpose::DataKey, 1, b"context"),
            commitment(1, aes, payload, 2, b"context"),
            commitment(1, aes, payload, 1, b"another"),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
