//! The algorithms a blob is sealed with.

/// A suite: HKDF-SHA512, one AEAD, and a 32-byte key commitment.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(u16)]
pub enum Suite {
    /// AES-256-GCM (NIST SP 800-38D): what KMSs, HSMs and FIPS paths offer.
    #[default]
    Aes256Gcm = 0x0101,
    /// ChaCha20-Poly1305 (RFC 8439): for hosts without AES instructions.
    ChaCha20Poly1305 = 0x0102,
}

impl Suite {
    /// The number that stands in a blob's header. It is never reused for other algorithms.
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// The suite of that number. Zero is forbidden for ever, so that wiped storage names none.
    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            0x0101 => Some(Self::Aes256Gcm),
            0x0102 => Some(Self::ChaCha20Poly1305),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_published_ids_name_a_suite() {
        let known: Vec<_> = (0..=u16::MAX)
            .filter_map(|id| Some((id, Suite::from_id(id)?)))
            .collect();
        assert_eq!(
            known,
            [
                (0x0101, Suite::Aes256Gcm),
                (0x0102, Suite::ChaCha20Poly1305)
            ]
        );
        assert!(known.iter().all(|(id, suite)| suite.id() == *id));
    }
}
