//! The bare algorithms, for this crate only: called wrongly, each of them gives away keys.

pub(crate) mod aead;
pub(crate) mod hkdf;
pub(crate) mod hmac;

#[cfg(test)]
mod wycheproof;
