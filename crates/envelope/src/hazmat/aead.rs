//! The two AEADs, with the nonce as an argument: each (key, nonce) may seal once.

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::key_bytes::KEY_LEN;
use crate::sealed::TAG_LEN;
use crate::suite::Suite;

pub(crate) const NONCE_LEN: usize = 12;

/// Encrypts in place and returns the tag. Fails only if `in_out` is longer than the cipher allows.
pub(crate) fn encrypt(
    suite: Suite,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<[u8; TAG_LEN], Refused> {
    let tag = cipher(suite, key)
        .seal_in_place_separate_tag(nonce_of(nonce), Aad::from(aad), in_out)
        .map_err(|_| Refused)?;
    let mut bytes = [0; TAG_LEN];
    bytes.copy_from_slice(tag.as_ref());
    Ok(bytes)
}

/// Decrypts ciphertext ‖ tag in place and returns the length of the plaintext at its front.
pub(crate) fn decrypt(
    suite: Suite,
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<usize, Refused> {
    cipher(suite, key)
        .open_in_place(nonce_of(nonce), Aad::from(aad), in_out)
        .map(|plaintext| plaintext.len())
        .map_err(|_| Refused)
}

/// The cipher refused its input; it does not say why.
#[derive(Debug)]
pub(crate) struct Refused;

fn cipher(suite: Suite, key: &[u8; KEY_LEN]) -> LessSafeKey {
    let algorithm = match suite {
        Suite::Aes256Gcm => &AES_256_GCM,
        Suite::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    };
    LessSafeKey::new(UnboundKey::new(algorithm, key).expect("both ciphers take 32-byte keys"))
}

fn nonce_of(nonce: &[u8; NONCE_LEN]) -> Nonce {
    Nonce::assume_unique_for_key(*nonce)
}
