//! The vault: its parts, and how workspaces are opened for reading.

use std::sync::Arc;

use latchkey_clock::{Clock, Timestamp};
use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};
use latchkey_egress::EgressPolicy;

use crate::custody::{Custody, IntegrityFailure, WorkspaceKeys};
use crate::domain::member::Member;
use crate::domain::stamped::Stamped;
use crate::domain::uid::WorkspaceUid;
use crate::domain::workspace::{Project, Workspace};
use crate::error::{Noun, VaultError};
use crate::leasing::{Leasing, RouterSession};
use crate::rows::CheckedRows;
use crate::store::keys::Parent;
use crate::store::{Rows, Store, members, workspaces};

/// The parts of a vault.
pub struct Vault {
    /// The database.
    pub store: Store,
    /// The root keys and the keys of workspaces.
    pub custody: Custody,
    /// The sessions of routers.
    pub leasing: Arc<Leasing>,
    /// The networks that keys may be sent to.
    pub egress: EgressPolicy,
    /// The time of day and the boot time.
    pub clock: Arc<dyn Clock>,
    /// The workspace of the platform.
    pub platform: WorkspaceUid,
}

/// A workspace whose row was checked, and its keys.
pub struct OpenWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// Its keys.
    pub keys: Arc<WorkspaceKeys>,
}

impl OpenWorkspace {
    /// The rows of the workspace.
    pub(crate) fn rows<'a, R: Rows>(&'a self, rows: &'a R) -> CheckedRows<'a, R> {
        CheckedRows::new(rows, &self.workspace, &self.keys)
    }

    /// Registers the workspace as a dependency of a session, which is sent its changes from then on.
    /// Returns whether it was registered before, and so before the workspace was read.
    pub(crate) fn register_with(&self, session: &RouterSession) -> bool {
        let Workspace { uid, revision, .. } = &self.workspace;
        let scope = self.workspace.scope();
        scope.is_none_or(|scope| session.depend_on(*uid, scope, *revision))
    }
}

/// The owner of keys, whose rows were checked: the platform, a workspace or a project.
pub struct OpenParent {
    /// The workspace.
    pub open: OpenWorkspace,
    /// The project, where it owns the keys.
    pub project: Option<Project>,
}

impl OpenParent {
    /// The identities by which the keys are found.
    pub fn ids(&self) -> Parent {
        Parent {
            workspace: self.open.workspace.uid,
            project: self.project.as_ref().map(|project| project.uid),
        }
    }
}

/// Reads of a workspace that changes may come before.
const MAX_STALE_READS: usize = 8;

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
        let stamped = workspaces::find(&self.store, slug)
            .await?
            .ok_or(VaultError::NotFound(Noun::Workspace))?;
        self.open(stamped).await
    }

    /// A workspace by its name, or the platform, for an answer that a router keeps. The session depends on
    /// the workspace before its row is read, so that it is sent every change that the answer lacks.
    pub(crate) async fn workspace_for(
        &self,
        session: &RouterSession,
        name: Option<&WorkspaceName>,
    ) -> Result<OpenWorkspace, VaultError> {
        let mut open = self.workspace(name).await?;
        for _ in 0..MAX_STALE_READS {
            if open.register_with(session) {
                return Ok(open);
            }
            // The row was read before the session depended on it, or before a change that it was sent.
            open = self.workspace(name).await?;
        }
        // An older database was put back.
        let uid = open.workspace.uid;
        Err(VaultError::Overtaken(IntegrityFailure::new(
            "workspaces",
            uid,
        )))
    }

    /// A workspace by the identity that another row refers to, for reading.
    pub async fn workspace_of(&self, uid: WorkspaceUid) -> Result<OpenWorkspace, VaultError> {
        let stamped = workspaces::find_by_uid(&self.store, uid)
            .await?
            .ok_or_else(|| IntegrityFailure::new("workspaces", uid))?;
        self.open(stamped).await
    }

    /// Customers' workspaces in order of name, after `after`.
    pub(crate) async fn list_workspaces(
        &self,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Workspace>, VaultError> {
        let listed = workspaces::list(&self.store, after, limit).await?;
        let mut workspaces = Vec::with_capacity(listed.len());
        for stamped in listed {
            workspaces.push(self.open(stamped).await?.workspace);
        }
        Ok(workspaces)
    }

    /// The member of a workspace with that identity; `None` also where the workspace does not exist.
    pub async fn member(
        &self,
        name: &WorkspaceName,
        identity: &str,
    ) -> Result<Option<Member>, VaultError> {
        let Some(stamped) = workspaces::find(&self.store, Some(&name.workspace)).await? else {
            return Ok(None);
        };
        let uid = stamped.peek().uid;
        let Some(member) = members::find_by_identity(&self.store, uid, identity).await? else {
            return Ok(None);
        };
        // The check of the workspace's row proves that the name is this workspace's.
        let open = self.open(stamped).await?;
        Ok(Some(open.keys.check(member)?))
    }

    /// The owner of keys by its name, for reading.
    pub async fn parent(&self, parent: &KeyParent) -> Result<OpenParent, VaultError> {
        let open = self.workspace(parent.workspace()).await?;
        self.parent_in(open, parent).await
    }

    /// The owner of keys by its name, in its workspace, which was opened before.
    pub async fn parent_in(
        &self,
        open: OpenWorkspace,
        parent: &KeyParent,
    ) -> Result<OpenParent, VaultError> {
        let project = match parent {
            KeyParent::Scope(Scope::Project(name)) => {
                Some(open.rows(&self.store).project(&name.project).await?)
            }
            KeyParent::Scope(Scope::Workspace(_)) | KeyParent::Platform => None,
        };
        Ok(OpenParent { open, project })
    }

    async fn open(&self, stamped: Stamped<Workspace>) -> Result<OpenWorkspace, VaultError> {
        let uid = stamped.peek().uid;
        let keys = self.custody.keys_of(&self.store, uid).await?;
        Ok(OpenWorkspace {
            workspace: keys.check(stamped)?,
            keys,
        })
    }
}
