//! The id of a model.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A model, as its provider names it: 1 to 256 bytes without control characters.
///
/// A clone shares the text, so that a query of the warm path copies nothing.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelId(Arc<str>);

/// A text that can't be the id of a model.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "must be 1 to {} bytes, none of them a control character",
    ModelId::MAX_BYTES
)]
pub struct InvalidModelId;

impl ModelId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses an optional field, which is empty when it names no model.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, InvalidModelId> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some)
    }
}

impl FromStr for ModelId {
    type Err = InvalidModelId;

    fn from_str(text: &str) -> Result<Self, InvalidModelId> {
        let is_valid = (1..=Self::MAX_BYTES).contains(&text.len());
        if is_valid && !text.contains(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidModelId)
        }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_256_bytes_without_control_characters() {
        let longest = "x".repeat(256);
        for text in ["gpt-5.4", "meta/llama 4", &longest] {
            assert_eq!(text.parse::<ModelId>().unwrap().as_str(), text);
        }
        for text in ["", "a\nb", &"x".repeat(257)] {
            assert_eq!(text.parse::<ModelId>(), Err(InvalidModelId));
        }
        assert_eq!(ModelId::parse_optional(""), Ok(None));
    }
}
