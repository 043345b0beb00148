//! The segments of a name that users choose.

use std::fmt;
use std::str::FromStr;

use super::NameError;

/// An id that a user chooses: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`, a DNS label (RFC 1035) in lower case.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ResourceId(Box<str>);

impl ResourceId {
    /// The maximum length of an id, in bytes.
    pub const MAX_LENGTH: usize = 63;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResourceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        let valid = text.len() <= Self::MAX_LENGTH
            && text.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
            && text.as_bytes().iter().all(inner)
            && !text.ends_with('-');
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(NameError::new("[a-z]([a-z0-9-]{0,61}[a-z0-9])?"))
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
