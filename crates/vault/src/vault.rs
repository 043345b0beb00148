//! The vault itself: what every method works with.

use std::sync::Arc;

use latchkey_clock::{Clock, Timestamp};
use latchkey_contract::names::{
    KeyName, KeyParent, ResourceId, RevisionScope, Scope, WorkspaceName,
};
use latchkey_egress::EgressPolicy;

use crate::custody::{Custody, CustodyError, WorkspaceKeys};
use crate::domain::key::Key;
use crate::domain::member::Member;
use crate::domain::stamped::Stamped;
use crate::domain::uid::WorkspaceUid;
use crate::domain::workspace::{Project, Workspace};
use crate::error::{Noun, VaultError};
use crate::leasing::Leasing;
use crate::store::keys::Parent;
use crate::store::{Rows, Store, members, projects, workspaces};

/// The parts of a vault.
pub struct Vault {
    /// Its database.
    pub store: Store,
    /// Its keys.
    pub custody: Custody,
    /// The routers attached to it.
    pub leasing: Arc<Leasing>,
    /// Where keys may be sent.
    pub egress: EgressPolicy,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// The workspace of the platform.
    pub platform: WorkspaceUid,
}

/// A workspace whose row was checked, and its keys.
pub struct OpenWorkspace {
    /// What it is.
    pub workspace: Workspace,
    /// Its keys.
    pub keys: Arc<WorkspaceKeys>,
}

/// What keys belong to, found and checked.
pub struct OpenParent {
    /// Its workspace.
    pub open: OpenWorkspace,
    /// Its project, if it is one.
    pub project: Option<Project>,
}

impl OpenParent {
    /// The identities, for looking up keys.
    pub fn ids(&self) -> Parent {
        Parent {
            workspace: self.open.workspace.uid,
            project: self.project.as_ref().map(|project| project.uid),
        }
    }
}

impl Vault {
    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A workspace by its name, for reading; the platform for `None`.
    pub async fn workspace(
        &self,
        name: Option<&WorkspaceName>,
    ) -> Result<OpenWorkspace, VaultError> {
        let slug = name.map(|name| &name.workspace);
        let found = workspaces::find(&self.store, slug).await?;
        self.checked(found.ok_or(VaultError::NotFound(Noun::Workspace))?)
            .await
    }

    /// A workspace by the identity that a row names, for reading.
    pub async fn workspace_of(&self, uid: WorkspaceUid) -> Result<OpenWorkspace, VaultError> {
        let found = workspaces::find_by_uid(&self.store, uid).await?;
        self.checked(found.ok_or(CustodyError::Integrity)?).await
    }

    async fn checked(&self, stamped: Stamped<Workspace>) -> Result<OpenWorkspace, VaultError> {
        let keys = self
            .custody
            .keys_of(&self.store, stamped.peek().uid)
            .await?;
        Ok(OpenWorkspace {
            workspace: keys.check(stamped)?,
            keys,
        })
    }

    /// The member of a workspace with that identity: nothing where there is no such workspace.
    pub async fn member(
        &self,
        name: &WorkspaceName,
        identity: &str,
    ) -> Result<Option<Member>, VaultError> {
        let Some(found) = workspaces::find(&self.store, Some(&name.workspace)).await? else {
            return Ok(None);
        };
        let uid = found.peek().uid;
        let Some(member) = members::find_by_identity(&self.store, uid, identity).await? else {
            return Ok(None);
        };
        // The workspace as well: its row says that this is the one of that name.
        let open = self.checked(found).await?;
        Ok(Some(open.keys.check(member)?))
    }

    /// What keys belong to by its name, for reading.
    pub async fn parent(&self, parent: &KeyParent) -> Result<OpenParent, VaultError> {
        let open = self.workspace(parent.workspace()).await?;
        self.parent_in(open, parent).await
    }

    /// The same, in its workspace, which was read before.
    pub async fn parent_in(
        &self,
        open: OpenWorkspace,
        parent: &KeyParent,
    ) -> Result<OpenParent, VaultError> {
        let project = match parent {
            KeyParent::Scope(Scope::Project(name)) => {
                Some(project(&self.store, &open.workspace, &open.keys, &name.project).await?)
            }
            KeyParent::Scope(Scope::Workspace(_)) | KeyParent::Platform => None,
        };
        Ok(OpenParent { open, project })
    }
}

/// A project of a workspace by its last segment.
pub async fn project(
    rows: &impl Rows,
    workspace: &Workspace,
    keys: &WorkspaceKeys,
    slug: &ResourceId,
) -> Result<Project, VaultError> {
    let found = projects::find(rows, workspace.uid, slug).await?;
    Ok(keys.check(found.ok_or(VaultError::NotFound(Noun::Project))?)?)
}

/// The name of a key of a workspace; nothing once the key, or what it belongs to, is deleted.
pub(crate) async fn key_name(
    rows: &impl Rows,
    workspace: &Workspace,
    keys: &WorkspaceKeys,
    key: &Key,
) -> Result<Option<KeyName>, VaultError> {
    let parent = match (workspace.scope(), key.project) {
        (None, _) => return Ok(None),
        (Some(RevisionScope::Platform), _) => KeyParent::Platform,
        (Some(RevisionScope::Workspace(name)), None) => KeyParent::Scope(Scope::Workspace(name)),
        (Some(RevisionScope::Workspace(name)), Some(project)) => {
            let found = projects::find_by_uid(rows, project).await?;
            let project = found.map(|stamped| keys.check(stamped)).transpose()?;
            match project.and_then(|project| project.name(&name)) {
                Some(project) => KeyParent::Scope(Scope::Project(project)),
                None => return Ok(None),
            }
        }
    };
    Ok(key.slug.clone().map(|key| KeyName { parent, key }))
}
