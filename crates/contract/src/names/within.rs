//! Names of members, provider overrides, sessions, turns, data keys and providers.

use std::fmt;
use std::str::FromStr;

use super::{NameError, ResourceId, WorkspaceName};

/// A name of the form `workspaces/{workspace}/{collection}/{id}`.
macro_rules! within_workspace {
    ($name:ident, $collection:literal, $field:ident: $id:ty, $form:literal, $what:literal) => {
        #[doc = concat!("`", $form, "`.")]
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name {
            /// The workspace that it belongs to.
            pub workspace: WorkspaceName,
            #[doc = $what]
            pub $field: $id,
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                const FORM: NameError = NameError::new($form);
                let separator = concat!("/", $collection, "/");
                let (workspace, id) = text.split_once(separator).ok_or(FORM)?;
                Ok(Self {
                    workspace: workspace.parse().map_err(|_| FORM)?,
                    $field: id.parse().map_err(|_| FORM)?,
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    concat!("{}/", $collection, "/{}"),
                    self.workspace, self.$field
                )
            }
        }
    };
}

within_workspace!(
    MemberName,
    "members",
    member: ResourceId,
    "workspaces/{workspace}/members/{member}",
    "The id of the member."
);
within_workspace!(
    ProviderOverrideName,
    "providers",
    provider: ResourceId,
    "workspaces/{workspace}/providers/{provider}",
    "The provider id."
);
within_workspace!(
    SessionName,
    "sessions",
    session: ResourceId,
    "workspaces/{workspace}/sessions/{session}",
    "The id of the session."
);
within_workspace!(
    DataKeyName,
    "dataKeys",
    data_key: CanonicalUuid,
    "workspaces/{workspace}/dataKeys/{data_key}",
    "The id of the data key."
);

/// A UUID in lower case with hyphens (RFC 9562, section 4), the only form that a name may contain.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CanonicalUuid(Box<str>);

impl CanonicalUuid {
    /// The UUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CanonicalUuid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_canonical = |(index, byte): (usize, u8)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        if text.len() == 36 && text.bytes().enumerate().all(is_canonical) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::new("a UUID in lower case"))
        }
    }
}

impl fmt::Display for CanonicalUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `providers/{provider}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProviderName {
    /// The provider id.
    pub provider: ResourceId,
}

const PROVIDER: NameError = NameError::new("providers/{provider}");

impl FromStr for ProviderName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let id = text.strip_prefix("providers/").ok_or(PROVIDER)?;
        let provider = id.parse().map_err(|_| PROVIDER)?;
        Ok(Self { provider })
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "providers/{}", self.provider)
    }
}

/// `workspaces/{workspace}/sessions/{session}/turns/{turn}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TurnName {
    /// The session that the turn belongs to.
    pub session: SessionName,
    /// The number of the turn, from 1.
    pub turn: u64,
}

impl fmt::Display for TurnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/turns/{}", self.session, self.turn)
    }
}
