//! HMAC with SHA-256 (RFC 2104, FIPS 198-1).

use ring::hmac::{Context, HMAC_SHA256, Key};

pub(crate) const TAG_LEN: usize = 32;

/// The tag of the concatenated parts; keeping them apart is up to the caller.
pub(crate) fn sign<'a>(key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; TAG_LEN] {
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}
