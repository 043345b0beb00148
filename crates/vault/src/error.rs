//! Everything that a call to the vault can fail with.

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyName, MemberName, NameError};
use latchkey_rpc::access::Denied;
use latchkey_rpc::page::PageTokenError;

use crate::custody::{CustodyError, IntegrityFailure};
use crate::domain::destination::BaseUrlError;
use crate::domain::fallback::Fallback;
use crate::domain::key::IllegalTransition;
use crate::domain::material::{FormatError, MaterialError};
use crate::domain::resolution::ResolutionRefusal;
use crate::domain::settings::FieldError;
use crate::domain::uid::RandomnessError;
use crate::leasing::SessionError;
use crate::leasing::verification_tasks::TaskFailure;
use crate::store::StoreError;

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The caller may not do that.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A field is not valid.
    #[error("{field} {problem}")]
    Field {
        /// Its path in the message.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Where a key is sent can't be changed without its material.
    #[error("{field}: changing where a key is sent needs its material again: use AddKeyVersion")]
    MaterialRequired {
        /// The field that asked for it.
        field: &'static str,
    },
    /// The material can't be a key of its provider.
    #[error(transparent)]
    KeyFormat(#[from] FormatError),
    /// The address can't be a destination.
    #[error("{field} {problem}")]
    Destination {
        /// The field that holds it.
        field: String,
        /// What is wrong with it.
        #[source]
        problem: BaseUrlError,
    },
    /// What was named does not exist.
    #[error("there is no such {0}")]
    NotFound(Noun),
    /// The change does not fit what is there.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The state of the key forbids it.
    #[error(transparent)]
    State(#[from] IllegalTransition),
    /// The live check failed.
    #[error(transparent)]
    Verification(#[from] TaskFailure),
    /// No key could be chosen.
    #[error("{refusal}")]
    Resolution {
        /// Why.
        #[source]
        refusal: ResolutionRefusal,
        /// Whom the workspace asks instead.
        fallbacks: Vec<Fallback>,
    },
    /// A key that was to come with its workspace or project can't.
    #[error("initial_keys[{index}]: {problem}")]
    InitialKey {
        /// Which one.
        index: usize,
        /// Why: what `CreateKey` would have said of it.
        #[source]
        problem: Box<VaultError>,
    },
    /// The router's session is not in order.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Keys or what they protect.
    #[error(transparent)]
    Custody(CustodyError),
}

/// What can be missing or in the way.
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
    /// What a workspace may use of a provider, where that differs.
    ProviderOverride,
    /// A workspace.
    Workspace,
}

impl Noun {
    /// The reason of a call that names one that does not exist.
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

/// What callers name when they create it.
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
    /// The reason of a call that would create a second one of the same name.
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

/// What must be empty before it is deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Container {
    /// A project, with keys.
    Project,
    /// A workspace, with keys, projects and members.
    Workspace,
}

impl Container {
    /// The reason of a call that would delete one that is not empty.
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

/// A change that does not fit what is stored.
#[derive(Debug, thiserror::Error)]
pub enum Conflict {
    /// The material is stored already.
    #[error("this material is stored as {0} already")]
    DuplicateMaterial(KeyName),
    /// The etag is not the current one.
    #[error("the etag is not the current one: read it again")]
    Etag,
    /// A resource of this name exists.
    #[error("a {0} of this name exists")]
    Exists(Nameable),
    /// Somebody is a member already, by another name.
    #[error("this identity is that of {0} already")]
    MemberExists(MemberName),
    /// There is something in it.
    #[error("the {0} is not empty: delete what is in it, or set force")]
    NotEmpty(Container),
    /// The request id was used for another request.
    #[error("this request_id was used for another request")]
    RequestIdReused,
}

impl VaultError {
    /// A field that is not valid.
    pub fn field(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.to_string(),
        }
    }

    /// A name that does not parse.
    pub fn name(field: &'static str) -> impl Fn(NameError) -> Self {
        move |error| Self::field(field, error)
    }
}

impl From<FieldError> for VaultError {
    fn from(error: FieldError) -> Self {
        Self::field(error.field, error.problem)
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
