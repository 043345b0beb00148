//! How a request names a key.

use std::fmt;
use std::str::FromStr;

use latchkey_contract::names::{KeyName, NameError, ResourceId};

/// A key that a request names.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum KeyRef {
    /// The id of a key of the project, or else of its workspace.
    Id(ResourceId),
    /// A full name.
    Name(KeyName),
}

impl FromStr for KeyRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('/') {
            text.parse().map(Self::Name)
        } else {
            text.parse().map(Self::Id)
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_a_full_name_print_as_they_were_parsed() {
        for text in ["main", "workspaces/acme/keys/main", "platform/keys/main"] {
            let key: KeyRef = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
        for text in ["", "Main", "workspaces/acme", "a/b"] {
            assert!(text.parse::<KeyRef>().is_err(), "{text}");
        }
    }
}
