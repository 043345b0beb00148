//! Members: identities with a role that a workspace grants.

use std::fmt;
use std::str::FromStr;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{MemberName, ResourceId, WorkspaceName};
use latchkey_rpc::identity::{SpiffeId, TokenName};

use super::uid::WorkspaceUid;

/// An identity with a role in a workspace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The last segment of the name.
    pub slug: ResourceId,
    /// The identity.
    pub identity: CallerIdentity,
    /// The role.
    pub role: MemberRole,
    /// For people.
    pub display_name: String,
    /// Grows by one with each change; its etag.
    pub row_revision: u64,
    /// The time at which it became a member.
    pub create_time: Timestamp,
    /// The time of the last change.
    pub update_time: Timestamp,
}

/// The fields of a member that callers set, all at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemberFields {
    /// The identity.
    pub identity: CallerIdentity,
    /// The role.
    pub role: MemberRole,
    /// For people.
    pub display_name: String,
}

impl Member {
    /// A new one.
    pub fn new(
        workspace: WorkspaceUid,
        slug: ResourceId,
        fields: MemberFields,
        now: Timestamp,
    ) -> Self {
        Self {
            workspace,
            slug,
            identity: fields.identity,
            role: fields.role,
            display_name: fields.display_name,
            row_revision: 1,
            create_time: now,
            update_time: now,
        }
    }

    /// The member with other fields.
    #[must_use]
    pub fn change(self, fields: MemberFields, now: Timestamp) -> Self {
        Self {
            identity: fields.identity,
            role: fields.role,
            display_name: fields.display_name,
            row_revision: self.row_revision + 1,
            update_time: now,
            ..self
        }
    }

    /// Its name in its workspace.
    pub fn name(&self, workspace: &WorkspaceName) -> MemberName {
        MemberName {
            workspace: workspace.clone(),
            member: self.slug.clone(),
        }
    }
}

/// The role of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberRole {
    /// Uses the keys.
    Caller,
    /// Uses the keys without seeing them; reads the workspace and its projects.
    Member,
    /// Manages the workspace.
    Owner,
}

impl MemberRole {
    /// The word for it in rows and the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }

    /// The role that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Caller, Self::Member, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// The identity of a caller, as the access layer names it. Each identity has one spelling, so texts
/// compare as identities.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CallerIdentity(Box<str>);

/// A text that is not the identity of a caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "must be a SPIFFE ID of a workload, such as spiffe://example.org/app, or token:{{name}} with \
     1 to 63 of `a-z`, `0-9`, `-`, `_`, `.`"
)]
pub struct CallerIdentityError;

impl CallerIdentity {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CallerIdentity {
    type Err = CallerIdentityError;

    fn from_str(text: &str) -> Result<Self, CallerIdentityError> {
        let known = match text.strip_prefix("token:") {
            Some(name) => TokenName::parse(name).is_ok(),
            None => SpiffeId::parse(text).is_ok(),
        };
        known.then(|| Self(text.into())).ok_or(CallerIdentityError)
    }
}

impl fmt::Display for CallerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_workload_or_a_token() {
        for text in [
            "spiffe://example.org/ns/default/sa/app",
            "token:admin",
            "token:web-1_a.b",
        ] {
            let identity: CallerIdentity = text.parse().unwrap();
            assert_eq!(identity.to_string(), text);
        }
        for text in [
            "",
            "admin",
            "token:",
            "token:Admin",
            "token: admin",
            "Token:admin",
            "spiffe://example.org",
            "spiffe://Example.org/app",
            "SPIFFE://example.org/app",
            " spiffe://example.org/app",
            "spiffe://example.org/app/",
            "https://example.org/app",
            "system",
        ] {
            let parsed = text.parse::<CallerIdentity>();
            assert_eq!(parsed, Err(CallerIdentityError), "{text}");
        }
    }

    #[test]
    fn rows_name_every_role() {
        for role in [MemberRole::Caller, MemberRole::Member, MemberRole::Owner] {
            assert_eq!(MemberRole::from_row(role.as_str()), Some(role));
        }
        assert_eq!(MemberRole::from_row("OWNER"), None);
        assert_eq!(MemberRole::from_row(""), None);
    }

    #[test]
    fn a_change_keeps_what_a_member_is() {
        let fields = |identity: &str, role| MemberFields {
            identity: identity.parse().unwrap(),
            role,
            display_name: String::new(),
        };
        let at = Timestamp::from_micros;
        let workspace = WorkspaceUid(uuid::Uuid::from_u128(1));
        let ada = fields("token:ada", MemberRole::Owner);
        let before = Member::new(workspace, "ada".parse().unwrap(), ada, at(1));
        let after = before
            .clone()
            .change(fields("token:lovelace", MemberRole::Caller), at(2));
        let expected = Member {
            identity: "token:lovelace".parse().unwrap(),
            role: MemberRole::Caller,
            row_revision: 2,
            update_time: at(2),
            ..before
        };
        assert_eq!(after, expected);
    }
}
