//! The errors of a call to the vault.

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyName, MemberName, NameError};
use latchkey_rpc::access::Denied;
use latchkey_rpc::mask::MaskError;
use latchkey_rpc::page::PageTokenError;

use crate::custody::{CustodyError, IntegrityFailure};
use crate::domain::destination::BaseUrlError;
use crate::domain::fallback::Fallback;
use crate::domain::key::IllegalTransition;
use crate::domain::material::{FormatError, MaterialError};
use crate::domain::resolution::ResolutionRefusal;
use crate::domain::settings::FieldError;
use crate::domain::uid::RandomnessError;
use crate::leasing::RouterSessionError;
use crate::leasing::verification_tasks::TaskFailure;
use crate::store::StoreError;

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The caller may not call the method, or not for this resource.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A field of the request is not valid.
    #[error("{field} {problem}")]
    Field {
        /// The path of the field in the message.
        field: String,
        /// The problem, as the rest of a sentence about the field.
        problem: String,
    },
    /// A change of a key's destination without its material.
    #[error("{field} can be changed only together with the material: use AddKeyVersion")]
    MaterialRequired {
        /// The path of the field.
        field: &'static str,
    },
    /// The material is not of the form that the provider issues.
    #[error(transparent)]
    KeyFormat(#[from] FormatError),
    /// A key may not be sent to the address.
    #[error("{field} {problem}")]
    Destination {
        /// The path of the field.
        field: String,
        /// The problem.
        problem: BaseUrlError,
    },
    /// The named resource does not exist.
    #[error("the {0} does not exist")]
    NotFound(Noun),
    /// The change conflicts with a stored resource.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The state of the key forbids it.
    #[error(transparent)]
    State(#[from] IllegalTransition),
    /// The verification with the provider failed.
    #[error(transparent)]
    Verification(#[from] TaskFailure),
    /// No key could be chosen.
    #[error("{refusal}")]
    Resolution {
        /// The reason.
        refusal: ResolutionRefusal,
        /// The workspace's fallback models, for the router.
        fallbacks: Vec<Fallback>,
    },
    /// A key that comes with its workspace or project is not valid.
    #[error("initial_keys[{index}]: {problem}")]
    InitialKey {
        /// The index of the key in the request.
        index: usize,
        /// The error that `CreateKey` would return for the key.
        problem: Box<VaultError>,
    },
    /// The router session does not exist or was ended.
    #[error(transparent)]
    RouterSession(#[from] RouterSessionError),
    /// A key of the vault, or a row or value that it protects, failed.
    #[error(transparent)]
    Custody(CustodyError),
    /// Rows that were read one after another don't fit together: a change came in between, unless reading
    /// them again gives the same.
    #[error("another call changed the rows while they were read")]
    Overtaken(IntegrityFailure),
}

impl VaultError {
    /// The error of rows that don't fit together although no change can have come in between.
    #[must_use]
    pub(crate) fn settled(self) -> Self {
        match self {
            Self::Overtaken(failure) => failure.into(),
            error => error,
        }
    }
}

/// A kind of resource that can be missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Noun {
    /// A data key that routers seal with.
    DataKey,
    /// A key.
    Key,
    /// A member.
    Member,
    /// A project.
    Project,
    /// A provider override of a workspace.
    ProviderOverride,
    /// A workspace.
    Workspace,
}

impl Noun {
    /// The reason of a call that names a missing resource of this kind.
    pub const fn not_found(self) -> Reason {
        match self {
            Self::DataKey => Reason::DataKeyNotFound,
            Self::Key => Reason::KeyNotFound,
            Self::Member => Reason::MemberNotFound,
            Self::Project => Reason::ProjectNotFound,
            Self::ProviderOverride => Reason::ProviderOverrideNotFound,
            Self::Workspace => Reason::WorkspaceNotFound,
        }
    }
}

impl std::fmt::Display for Noun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DataKey => "data key",
            Self::Key => "key",
            Self::Member => "member",
            Self::Project => "project",
            Self::ProviderOverride => "provider override",
            Self::Workspace => "workspace",
        })
    }
}

/// A kind of resource that its creator names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nameable {
    /// A key.
    Key,
    /// A member.
    Member,
    /// A project.
    Project,
    /// A workspace.
    Workspace,
}

impl Nameable {
    /// The reason of a call that would create a second resource of the same name.
    pub const fn exists(self) -> Reason {
        match self {
            Self::Key => Reason::KeyExists,
            Self::Member => Reason::MemberExists,
            Self::Project => Reason::ProjectExists,
            Self::Workspace => Reason::WorkspaceExists,
        }
    }
}

impl std::fmt::Display for Nameable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Member => "member",
            Self::Project => "project",
            Self::Workspace => "workspace",
        })
    }
}

/// A kind of resource that must be empty before it is deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Container {
    /// A project, with keys.
    Project,
    /// A workspace, with keys, projects and members.
    Workspace,
}

impl Container {
    /// The reason of a call that would delete a resource that is not empty.
    pub const fn not_empty(self) -> Reason {
        match self {
            Self::Project => Reason::ProjectNotEmpty,
            Self::Workspace => Reason::WorkspaceNotEmpty,
        }
    }
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::Workspace => "workspace",
        })
    }
}

/// A conflict of a change with a stored resource.
#[derive(Debug, thiserror::Error)]
pub enum Conflict {
    /// The same material is stored under another key.
    #[error("the material is stored as {0} already: use that key")]
    DuplicateMaterial(KeyName),
    /// The etag is not the current one.
    #[error("the etag is not the current one: read the resource again")]
    Etag,
    /// A resource of this name exists.
    #[error("a {0} of this name exists already")]
    Exists(Nameable),
    /// The identity is a member already, by another name.
    #[error("the identity is a member already: {0}")]
    MemberExists(MemberName),
    /// The resource is not empty.
    #[error("the {0} is not empty: delete its contents, or set force")]
    NotEmpty(Container),
    /// The request id was used for another request.
    #[error("the request_id was used for another request: choose another one")]
    RequestIdReused,
}

impl VaultError {
    /// An error of a field.
    pub fn field(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.to_string(),
        }
    }

    /// Maps the error of a name to that of its field.
    pub fn name(field: &'static str) -> impl Fn(NameError) -> Self {
        move |error| Self::field(field, error)
    }
}

impl From<FieldError> for VaultError {
    fn from(error: FieldError) -> Self {
        Self::field(error.field, error.problem)
    }
}

impl From<MaskError> for VaultError {
    fn from(error: MaskError) -> Self {
        Self::field("update_mask", error)
    }
}

impl From<MaterialError> for VaultError {
    fn from(error: MaterialError) -> Self {
        match error {
            MaterialError::Kind { field, .. } => Self::field(field, error),
            MaterialError::Format(error) => error.into(),
        }
    }
}

impl From<PageTokenError> for VaultError {
    fn from(error: PageTokenError) -> Self {
        Self::field("page_token", error)
    }
}

impl From<CustodyError> for VaultError {
    fn from(error: CustodyError) -> Self {
        Self::Custody(error)
    }
}

impl From<IntegrityFailure> for VaultError {
    fn from(failure: IntegrityFailure) -> Self {
        Self::Custody(failure.into())
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::Custody(error.into())
    }
}

impl From<RandomnessError> for VaultError {
    fn from(error: RandomnessError) -> Self {
        Self::Custody(error.into())
    }
}
