//! Resource names (AIP-122). A service parses a name when it arrives, so its inner code never holds an
//! invalid one.

mod id;
mod model;
mod within;

use std::fmt;
use std::str::FromStr;

pub use id::ResourceId;
pub use model::ModelName;
pub use within::{
    CanonicalUuid, DataKeyName, MemberName, ProviderName, ProviderOverrideName, SessionName,
    TurnName,
};

/// The error for a text that does not have the form of the expected resource name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must have the form {expected}")]
pub struct NameError {
    /// The expected form, such as `workspaces/{workspace}`.
    pub expected: &'static str,
}

impl NameError {
    const fn new(expected: &'static str) -> Self {
        Self { expected }
    }
}

/// `workspaces/{workspace}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WorkspaceName {
    /// The id of the workspace.
    pub workspace: ResourceId,
}

/// `workspaces/{workspace}/projects/{project}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProjectName {
    /// The workspace that the project is in.
    pub workspace: WorkspaceName,
    /// The id of the project.
    pub project: ResourceId,
}

/// The scope of a request: a workspace, or a project in it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// `workspaces/{workspace}/projects/{project}`.
    Project(ProjectName),
    /// `workspaces/{workspace}`.
    Workspace(WorkspaceName),
}

impl Scope {
    /// The workspace itself, or the workspace of the project.
    pub fn workspace(&self) -> &WorkspaceName {
        match self {
            Self::Project(project) => &project.workspace,
            Self::Workspace(workspace) => workspace,
        }
    }

    /// The id of the project; `None` for a workspace.
    pub fn project(&self) -> Option<&ResourceId> {
        match self {
            Self::Project(project) => Some(&project.project),
            Self::Workspace(_) => None,
        }
    }
}

/// The parent of a key.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyParent {
    /// `platform`.
    Platform,
    /// A workspace or a project.
    Scope(Scope),
}

impl KeyParent {
    /// The workspace itself, or the workspace of the project; `None` for the platform.
    pub fn workspace(&self) -> Option<&WorkspaceName> {
        match self {
            Self::Platform => None,
            Self::Scope(scope) => Some(scope.workspace()),
        }
    }
}

/// `{parent}/keys/{key}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName {
    /// The parent of the key.
    pub parent: KeyParent,
    /// The id of the key.
    pub key: ResourceId,
}

/// `{parent}/keys/{key}/versions/{version}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyVersionName {
    /// The key that the version belongs to.
    pub key: KeyName,
    /// The number of the version, from 1.
    pub version: u64,
}

/// The scope of a revision: a workspace with its projects, or the platform. Each change in the scope
/// raises its revision by one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RevisionScope {
    /// `platform`.
    Platform,
    /// `workspaces/{workspace}`.
    Workspace(WorkspaceName),
}

impl From<&KeyParent> for RevisionScope {
    fn from(parent: &KeyParent) -> Self {
        match parent.workspace() {
            None => Self::Platform,
            Some(workspace) => Self::Workspace(workspace.clone()),
        }
    }
}

const WORKSPACE: NameError = NameError::new("workspaces/{workspace}");
const PROJECT: NameError = NameError::new("workspaces/{workspace}/projects/{project}");
const SCOPE: NameError =
    NameError::new("workspaces/{workspace} or workspaces/{workspace}/projects/{project}");
const KEY_PARENT: NameError =
    NameError::new("workspaces/{workspace}, workspaces/{workspace}/projects/{project} or platform");
const KEY: NameError = NameError::new("{parent}/keys/{key}");
const KEY_VERSION: NameError = NameError::new("{parent}/keys/{key}/versions/{version}");
const REVISION_SCOPE: NameError = NameError::new("workspaces/{workspace} or platform");

const PLATFORM: &str = "platform";

impl FromStr for WorkspaceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let id = text.strip_prefix("workspaces/").ok_or(WORKSPACE)?;
        let workspace = id.parse().map_err(|_| WORKSPACE)?;
        Ok(Self { workspace })
    }
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (workspace, project) = text.split_once("/projects/").ok_or(PROJECT)?;
        Ok(Self {
            workspace: workspace.parse().map_err(|_| PROJECT)?,
            project: project.parse().map_err(|_| PROJECT)?,
        })
    }
}

impl FromStr for Scope {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse()
            .map(Self::Workspace)
            .or_else(|_| text.parse().map(Self::Project))
            .map_err(|_: NameError| SCOPE)
    }
}

impl FromStr for KeyParent {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == PLATFORM {
            return Ok(Self::Platform);
        }
        text.parse().map(Self::Scope).map_err(|_| KEY_PARENT)
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (parent, key) = text.split_once("/keys/").ok_or(KEY)?;
        Ok(Self {
            parent: parent.parse().map_err(|_| KEY)?,
            key: key.parse().map_err(|_| KEY)?,
        })
    }
}

impl FromStr for KeyVersionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (key, version) = text.split_once("/versions/").ok_or(KEY_VERSION)?;
        let canonical = !version.starts_with(['0', '+']);
        Ok(Self {
            key: key.parse().map_err(|_| KEY_VERSION)?,
            version: version
                .parse()
                .ok()
                .filter(|_| canonical)
                .ok_or(KEY_VERSION)?,
        })
    }
}

impl FromStr for RevisionScope {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == PLATFORM {
            return Ok(Self::Platform);
        }
        text.parse()
            .map(Self::Workspace)
            .map_err(|_| REVISION_SCOPE)
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "workspaces/{}", self.workspace)
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/projects/{}", self.workspace, self.project)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project) => project.fmt(f),
            Self::Workspace(workspace) => workspace.fmt(f),
        }
    }
}

impl fmt::Display for KeyParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str(PLATFORM),
            Self::Scope(scope) => scope.fmt(f),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}", self.parent, self.key)
    }
}

impl fmt::Display for KeyVersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/versions/{}", self.key, self.version)
    }
}

impl fmt::Display for RevisionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str(PLATFORM),
            Self::Workspace(workspace) => workspace.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
