//! A change of something in a workspace: serialised by the head row's lock, recorded in the audit
//! log of the same transaction, and counted by the revision, without gaps, in the order of commits.

use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{
    KeyName, KeyParent, KeyVersionName, RevisionScope, Scope, WorkspaceName,
};

use crate::custody::{Custody, CustodyError, WorkspaceKeys};
use crate::domain::audit::{Act, AuditEvent};
use crate::domain::key::Key;
use crate::domain::stamped::Stamped;
use crate::domain::uid::WorkspaceUid;
use crate::domain::version::KeyVersion;
use crate::domain::workspace::{Project, Workspace};
use crate::error::{Noun, VaultError};
use crate::leasing::Committed;
use crate::store::{Unit, audit_events, branch_keys, keys, versions, workspaces};
use crate::vault::{self, OpenWorkspace, Vault};

/// A change that is not committed yet. Dropped, nothing has happened.
pub(crate) struct Change {
    /// The transaction.
    pub unit: Unit,
    /// The workspace, locked.
    pub head: Workspace,
    /// Its keys.
    pub keys: Arc<WorkspaceKeys>,
    /// Who does it, and how.
    pub act: Act,
    /// When.
    pub now: Timestamp,
    scope: Option<RevisionScope>,
    revoked: Vec<KeyVersionName>,
}

impl Change {
    /// Begins a change of what is in the workspace of `parent`.
    pub(crate) async fn begin(
        vault: &Vault,
        parent: &KeyParent,
        act: Act,
    ) -> Result<Self, VaultError> {
        let unit = vault.store.begin().await?;
        Self::begin_in(vault, unit, parent.workspace(), act).await
    }

    /// Begins a change of what was decided for a workspace alone, over what was decided for everybody.
    /// The platform, which is returned too, is locked until the end, so that the latter stays as it is.
    ///
    /// Whoever holds two heads' locks took the platform's first: see [`Self::lock_other`].
    pub(crate) async fn begin_under_platform(
        vault: &Vault,
        workspace: &WorkspaceName,
        act: Act,
    ) -> Result<(Self, OpenWorkspace), VaultError> {
        let unit = vault.store.begin().await?;
        let platform = workspaces::lock(&unit, None).await?;
        let platform = open(vault, &unit, platform.ok_or(CustodyError::Integrity)?).await?;
        let change = Self::begin_in(vault, unit, Some(workspace), act).await?;
        Ok((change, platform))
    }

    async fn begin_in(
        vault: &Vault,
        unit: Unit,
        name: Option<&WorkspaceName>,
        act: Act,
    ) -> Result<Self, VaultError> {
        let slug = name.map(|name| &name.workspace);
        let found = workspaces::lock(&unit, slug).await?;
        let found = found.ok_or(VaultError::NotFound(Noun::Workspace))?;
        let OpenWorkspace { workspace, keys } = open(vault, &unit, found).await?;
        let scope = workspace.scope();
        Ok(Self {
            unit,
            head: workspace,
            keys,
            act,
            now: vault.now(),
            scope,
            revoked: Vec::new(),
        })
    }

    /// Creates a workspace: its keys, its head row, and the first event of its log.
    pub(crate) async fn create_workspace(
        unit: Unit,
        custody: &Custody,
        head: Workspace,
        act: Act,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<Self, VaultError> {
        let (keys, wrapped) = custody.make_keys(head.uid, now)?;
        workspaces::insert(&unit, keys.stamp(head.clone())).await?;
        for key in wrapped {
            branch_keys::insert(&unit, key).await?;
        }
        let scope = head.scope();
        let keys = Arc::new(keys);
        let mut change = Self {
            unit,
            head,
            keys,
            act,
            now,
            scope,
            revoked: Vec::new(),
        };
        change.record(event).await?;
        Ok(change)
    }

    /// Records what is being done.
    pub(crate) async fn record(&mut self, mut event: AuditEvent) -> Result<(), VaultError> {
        self.head.audit_sequence += 1;
        event.sequence = self.head.audit_sequence;
        Ok(audit_events::insert(&self.unit, self.head.uid, event).await?)
    }

    /// Locks a customer's workspace beside the platform, whose change this must be: for a record in its
    /// own log of what the change does to it.
    ///
    /// Nobody waits for the other in a circle. All that lock more than one head lock the platform's
    /// first, so they take turns; among the workspaces each goes by the order of identities. Every
    /// other change locks the one head that it is about, and waits for none while it holds it.
    pub(crate) async fn lock_other(
        &self,
        vault: &Vault,
        uid: WorkspaceUid,
    ) -> Result<OpenWorkspace, VaultError> {
        debug_assert_eq!(self.scope, Some(RevisionScope::Platform));
        let found = workspaces::lock_by_uid(&self.unit, uid).await?;
        Ok(open(vault, &self.unit, found.ok_or(CustodyError::Integrity)?).await?)
    }

    /// Records in the log of a workspace that was locked beside this one. No revision is raised.
    pub(crate) async fn record_in(
        &self,
        other: OpenWorkspace,
        mut event: AuditEvent,
    ) -> Result<(), VaultError> {
        let OpenWorkspace {
            mut workspace,
            keys,
        } = other;
        workspace.audit_sequence += 1;
        event.sequence = workspace.audit_sequence;
        audit_events::insert(&self.unit, workspace.uid, event).await?;
        Ok(workspaces::update(&self.unit, keys.stamp(workspace)).await?)
    }

    /// An event of this change about `resource`.
    pub(crate) fn event(&self, resource: impl std::fmt::Display) -> AuditEvent {
        AuditEvent::done(&self.act, resource, self.now)
    }

    /// The workspace as whoever reads it has it.
    pub(crate) fn open(&self) -> OpenWorkspace {
        OpenWorkspace {
            workspace: self.head.clone(),
            keys: Arc::clone(&self.keys),
        }
    }

    /// The project that `parent` names, if it names one.
    pub(crate) async fn project(&self, parent: &KeyParent) -> Result<Option<Project>, VaultError> {
        let KeyParent::Scope(Scope::Project(name)) = parent else {
            return Ok(None);
        };
        let found = vault::project(&self.unit, &self.head, &self.keys, &name.project).await?;
        Ok(Some(found))
    }

    /// The key of that name, at that etag if one is given.
    pub(crate) async fn key(&self, name: &KeyName, etag: &str) -> Result<Key, VaultError> {
        let project = self.project(&name.parent).await?;
        let parent = keys::Parent {
            workspace: self.head.uid,
            project: project.map(|project| project.uid),
        };
        let found = keys::find(&self.unit, parent, &name.key).await?;
        let key = self
            .keys
            .check(found.ok_or(VaultError::NotFound(Noun::Key))?)?;
        check_etag(etag, key.row_revision)?;
        Ok(key)
    }

    /// The version of a key that is in use. A key without one lost a row.
    pub(crate) async fn current_version(&self, key: &Key) -> Result<KeyVersion, VaultError> {
        let found = versions::find(&self.unit, key.uid, key.current_version).await?;
        Ok(self.keys.check(found.ok_or(CustodyError::Integrity)?)?)
    }

    /// Says that a version must not be used for another call once this is committed.
    pub(crate) fn revoke(&mut self, key: &KeyName, version: u64) {
        self.revoked.push(KeyVersionName {
            key: key.clone(),
            version,
        });
    }

    /// Makes a record durable that changes nothing that routers depend on.
    pub(crate) async fn commit_unnumbered(self) -> Result<(), VaultError> {
        workspaces::update(&self.unit, self.keys.stamp(self.head)).await?;
        Ok(self.unit.commit().await?)
    }

    /// Makes the change durable.
    pub(crate) async fn commit(mut self) -> Result<Committed, VaultError> {
        self.head.revision += 1;
        let (workspace, revision) = (self.head.uid, self.head.revision);
        workspaces::update(&self.unit, self.keys.stamp(self.head)).await?;
        self.unit.commit().await?;
        Ok(Committed {
            workspace,
            scope: self.scope,
            revision,
            revoked: self.revoked,
        })
    }
}

/// A workspace that was found and locked.
async fn open(
    vault: &Vault,
    unit: &Unit,
    stamped: Stamped<Workspace>,
) -> Result<OpenWorkspace, CustodyError> {
    // Through the unit: on SQLite another connection might wait for this very lock.
    let keys = vault.custody.keys_of(unit, stamped.peek().uid).await?;
    let workspace = keys.check(stamped)?;
    Ok(OpenWorkspace { workspace, keys })
}

/// The etag of a row: it changes with each change of the row.
pub(crate) fn etag(row_revision: u64) -> String {
    format!("r{row_revision}")
}

/// Refuses an etag that is not the current one. An empty one asks for no check.
pub(crate) fn check_etag(etag: &str, row_revision: u64) -> Result<(), VaultError> {
    if etag.is_empty() || etag == self::etag(row_revision) {
        Ok(())
    } else {
        Err(crate::error::Conflict::Etag.into())
    }
}
