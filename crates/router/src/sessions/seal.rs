//! How a turn is sealed.
//!
//! AES-256-GCM (NIST SP 800-38D) under the session's own data key:
//!
//! ```text
//! version  1 byte, 1
//! nonce   12 bytes, random: a key seals at most 1,000 turns, so none comes twice
//! text     as long as the turn, encrypted
//! tag     16 bytes
//! ```
//!
//! What it is bound to (the associated data), so that a turn can't be moved, renumbered or put into
//! another session: `latchkey session turn`, the version, then data key and session by their names, each
//! behind its length as a big-endian u32, and the turn's number as a big-endian u64.

use latchkey_contract::names::{DataKeyName, SessionName};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SecureRandom;

use crate::vault_client::DataKey;

/// Where a turn belongs.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What it is sealed under.
    pub(super) data_key: &'a DataKeyName,
    /// Its session.
    pub(super) session: &'a SessionName,
    /// Its number, from 1.
    pub(super) turn: u64,
}

/// A turn that could not be sealed: there is no randomness, or it is longer than 64 GiB.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the turn could not be sealed")]
pub(super) struct SealError;

/// A turn that is not what was sealed, or not where.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the turn is not what was sealed there")]
pub(super) struct Tampered;

type Material = [u8; DataKey::LENGTH];

const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + NONCE_LEN;
const PURPOSE: &[u8] = b"latchkey session turn";

/// Seals what was said.
pub(super) fn seal(
    key: &Material,
    rng: &dyn SecureRandom,
    place: Place<'_>,
    text: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce).map_err(|_| SealError)?;
    seal_with(key, nonce, place, text)
}

/// Opens what was sealed there.
pub(super) fn open(
    key: &Material,
    place: Place<'_>,
    mut sealed: Vec<u8>,
) -> Result<Vec<u8>, Tampered> {
    let (header, text) = sealed.split_at_mut_checked(HEADER_LEN).ok_or(Tampered)?;
    let (version, nonce) = header.split_first().ok_or(Tampered)?;
    if *version != VERSION {
        return Err(Tampered);
    }
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Tampered)?;
    let aad = Aad::from(bound_to(place));
    let opened = cipher(key).open_in_place(nonce, aad, text);
    Ok(opened.map_err(|_| Tampered)?.to_vec())
}

fn seal_with(
    key: &Material,
    nonce: [u8; NONCE_LEN],
    place: Place<'_>,
    text: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut sealed = Vec::with_capacity(HEADER_LEN + text.len() + AES_256_GCM.tag_len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(text);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let aad = Aad::from(bound_to(place));
    let tag = cipher(key)
        .seal_in_place_separate_tag(nonce, aad, &mut sealed[HEADER_LEN..])
        .map_err(|_| SealError)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn cipher(key: &Material) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
    LessSafeKey::new(key)
}

fn bound_to(place: Place<'_>) -> Vec<u8> {
    let mut bound = PURPOSE.to_vec();
    bound.push(VERSION);
    for name in [place.data_key.to_string(), place.session.to_string()] {
        let length = u32::try_from(name.len()).expect("names are short");
        bound.extend_from_slice(&length.to_be_bytes());
        bound.extend_from_slice(name.as_bytes());
    }
    bound.extend_from_slice(&place.turn.to_be_bytes());
    bound
}

#[cfg(test)]
mod tests;
