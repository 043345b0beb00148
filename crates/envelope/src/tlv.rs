//! The canonical encoding of tagged values: contexts here, row MACs in the vault.

use crate::error::TlvError;

/// Writes `u8 schema`, then for each value `u8 tag ‖ u16be length ‖ bytes`, tags ascending.
///
/// Distinct lists have distinct encodings, because every value carries its length and every tag
/// stands at most once; joining values with a separator has neither property. The first mistake is
/// kept and reported by [`Tlv::finish`].
#[derive(Clone, Debug)]
pub struct Tlv {
    encoded: Vec<u8>,
    last_tag: Option<u8>,
    mistake: Option<TlvError>,
}

impl Tlv {
    /// Starts a list. The schema says what its tags mean.
    pub fn new(schema: u8) -> Self {
        Self {
            encoded: vec![schema],
            last_tag: None,
            mistake: None,
        }
    }

    /// Appends bytes under a tag that is greater than every tag before it.
    #[must_use]
    pub fn bytes(mut self, tag: u8, value: &[u8]) -> Self {
        match self.append(tag, value) {
            Ok(()) => self,
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
                self
            }
        }
    }

    /// Appends an integer as eight big-endian bytes.
    #[must_use]
    pub fn u64(self, tag: u8, value: u64) -> Self {
        self.bytes(tag, &value.to_be_bytes())
    }

    /// The encoding, or the first mistake made on the way.
    pub fn finish(self) -> Result<Vec<u8>, TlvError> {
        match self.mistake {
            None => Ok(self.encoded),
            Some(mistake) => Err(mistake),
        }
    }

    fn append(&mut self, tag: u8, value: &[u8]) -> Result<(), TlvError> {
        if self.last_tag.is_some_and(|last| tag <= last) {
            return Err(TlvError::TagOrder(tag));
        }
        let length = u16::try_from(value.len()).map_err(|_| TlvError::ValueTooLong(tag))?;
        self.last_tag = Some(tag);
        self.encoded.push(tag);
        self.encoded.extend_from_slice(&length.to_be_bytes());
        self.encoded.extend_from_slice(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_schema_then_tag_length_value() {
        let encoded = Tlv::new(1)
            .bytes(2, b"ab")
            .bytes(3, b"")
            .u64(9, 258)
            .finish();
        assert_eq!(
            encoded.expect("tags ascend"),
            [
                1, 2, 0, 2, b'a', b'b', 3, 0, 0, 9, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2
            ]
        );
    }

    #[test]
    fn a_repeated_or_descending_tag_is_refused() {
        let repeated = Tlv::new(1).bytes(2, b"a").bytes(2, b"b");
        assert_eq!(repeated.finish(), Err(TlvError::TagOrder(2)));
        let descending = Tlv::new(1).bytes(2, b"a").bytes(1, b"b").bytes(3, b"c");
        assert_eq!(descending.finish(), Err(TlvError::TagOrder(1)));
    }

    #[test]
    fn a_value_beyond_its_length_field_is_refused() {
        let longest = vec![0; usize::from(u16::MAX)];
        assert!(Tlv::new(1).bytes(1, &longest).finish().is_ok());
        let too_long = vec![0; usize::from(u16::MAX) + 1];
        assert_eq!(
            Tlv::new(1).bytes(1, &too_long).finish(),
            Err(TlvError::ValueTooLong(1))
        );
    }
}
