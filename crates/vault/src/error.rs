//! Everything that a call to the vault can fail with.

use latchkey_contract::names::{KeyName, MemberName, NameError};
use latchkey_rpc::access::Denied;
use latchkey_rpc::page::PageTokenError;

use crate::custody::CustodyError;
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
    /// The reason when it is missing.
    pub const fn not_found(self) -> &'static str {
        match self {
            Self::DataKey => "DATA_KEY_NOT_FOUND",
            Self::Key => "KEY_NOT_FOUND",
            Self::Member => "MEMBER_NOT_FOUND",
            Self::Project => "PROJECT_NOT_FOUND",
            Self::ProviderOverride => "PROVIDER_OVERRIDE_NOT_FOUND",
            Self::Workspace => "WORKSPACE_NOT_FOUND",
        }
    }

    /// The reason when its name is taken.
    pub const fn exists(self) -> &'static str {
        match self {
            Self::DataKey => "DATA_KEY_EXISTS",
            Self::Key => "KEY_EXISTS",
            Self::Member => "MEMBER_EXISTS",
            Self::Project => "PROJECT_EXISTS",
            Self::ProviderOverride => "PROVIDER_OVERRIDE_EXISTS",
            Self::Workspace => "WORKSPACE_EXISTS",
        }
    }

    /// The reason when something is still in it.
    pub const fn not_empty(self) -> &'static str {
        match self {
            Self::DataKey => "DATA_KEY_NOT_EMPTY",
            Self::Key => "KEY_NOT_EMPTY",
            Self::Member => "MEMBER_NOT_EMPTY",
            Self::Project => "PROJECT_NOT_EMPTY",
            Self::ProviderOverride => "PROVIDER_OVERRIDE_NOT_EMPTY",
            Self::Workspace => "WORKSPACE_NOT_EMPTY",
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

/// A change that does not fit what is there.
#[derive(Debug, thiserror::Error)]
pub enum Conflict {
    /// The material is stored already.
    #[error("this material is stored as {0} already")]
    DuplicateMaterial(KeyName),
    /// The etag is not the current one.
    #[error("the etag is not the current one: read it again")]
    Etag,
    /// The name is taken.
    #[error("a {0} of this name exists")]
    Exists(Noun),
    /// Somebody is a member already, by another name.
    #[error("this identity is that of {0} already")]
    MemberExists(MemberName),
    /// There is something in it.
    #[error("the {0} is not empty: delete what is in it, or set force")]
    NotEmpty(Noun),
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
