//! Identities behind names. A name is free again after a deletion; a uid never is. Each noun has its own
//! type, so that identities can't be mixed up.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not a uid.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be {expected}")]
pub struct UidError {
    expected: &'static str,
}

const UID: UidError = UidError {
    expected: "a uid, such as 9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11",
};
const KEY_VERSION: UidError = UidError {
    expected: "{key_uid}/versions/{version}",
};

macro_rules! uid {
    ($name:ident, $noun:literal) => {
        #[doc = concat!("The identity of ", $noun, ".")]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes.
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = UidError;

            fn from_str(text: &str) -> Result<Self, UidError> {
                Uuid::try_parse(text).map(Self).map_err(|_| UID)
            }
        }
    };
}

uid!(WorkspaceUid, "a workspace, or of the platform");
uid!(ProjectUid, "a project");
uid!(KeyUid, "a key");
uid!(DataKeyUid, "a data key that routers seal with");

/// The identity of a key version: `{key_uid}/versions/{version}`. A key never uses a number twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyVersionUid {
    /// The key.
    pub key: KeyUid,
    /// The number of the version, from 1.
    pub version: u64,
}

impl fmt::Display for KeyVersionUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/versions/{}", self.key, self.version)
    }
}

impl FromStr for KeyVersionUid {
    type Err = UidError;

    fn from_str(text: &str) -> Result<Self, UidError> {
        let (key, version) = text.split_once("/versions/").ok_or(KEY_VERSION)?;
        let version = version.parse().ok().filter(|version| *version > 0);
        Ok(Self {
            key: key.parse().map_err(|_| KEY_VERSION)?,
            version: version.ok_or(KEY_VERSION)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_version_prints_as_it_was_parsed() {
        let text = "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11/versions/12";
        let uid: KeyVersionUid = text.parse().unwrap();
        assert_eq!((uid.to_string(), uid.version), (text.to_owned(), 12));
    }

    #[test]
    fn a_name_is_not_a_uid() {
        for text in ["", "main", "workspaces/acme"] {
            assert_eq!(text.parse::<WorkspaceUid>(), Err(UID), "{text}");
        }
        for text in [
            "",
            "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11",
            "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11/versions/0",
            "9b2f6c1e-58a4-4c1e-9f0a-2f6f5a0c7d11/versions/x",
            "workspaces/acme/keys/main/versions/1",
        ] {
            assert_eq!(text.parse::<KeyVersionUid>(), Err(KEY_VERSION), "{text}");
        }
    }
}
