//! A change of something in a workspace: serialised by the lock of the head row, recorded in the
//! audit log in the same transaction, and counted by the revision, without gaps, in commit order.
//!
//! Every row that a change writes gets its MAC here, and every row that it reads is checked.

use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, RevisionScope, Scope, WorkspaceName};

use crate::custody::{Custody, CustodyError, IntegrityFailure, WorkspaceKeys};
use crate::domain::audit::{Act, AuditEvent};
use crate::domain::availability::ProviderAccess;
use crate::domain::data_key::DataKey;
use crate::domain::key::Key;
use crate::domain::member::Member;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{DataKeyUid, KeyVersionUid, WorkspaceUid};
use crate::domain::version::KeyVersion;
use crate::domain::workspace::{Project, Workspace};
use crate::error::{Noun, VaultError};
use crate::leasing::{ChangesInProgress, Committed};
use crate::rows::CheckedRows;
use crate::store::keys::Parent;
use crate::store::{
    StoreError, Unit, audit_events, branch_keys, data_keys, keys, members, projects,
    provider_access, versions, workspaces,
};
use crate::vault::{OpenWorkspace, Vault};

/// A change that is not committed yet. Dropping it rolls it back.
pub(crate) struct Change {
    /// The transaction.
    pub unit: Unit,
    /// The workspace, locked.
    pub head: Workspace,
    /// The keys of the workspace.
    pub keys: Arc<WorkspaceKeys>,
    /// The actor and the method.
    pub act: Act,
    /// The time of the change.
    pub now: Timestamp,
    scope: Option<RevisionScope>,
    revoked: Vec<KeyVersionUid>,
    in_progress: ChangesInProgress,
}

impl Change {
    /// Begins a change in the workspace of `parent`.
    pub(crate) async fn begin(
        vault: &Vault,
        parent: &KeyParent,
        act: Act,
    ) -> Result<Self, VaultError> {
        let unit = vault.store.begin().await?;
        Self::begin_in(vault, unit, parent.workspace(), act).await
    }

    /// Begins a change in a workspace that depends on the platform's rows. The platform, which is
    /// returned too, is locked until the end, so that those rows stay as they are.
    ///
    /// A change that locks two heads locks the platform's first: see [`Self::lock_other`].
    pub(crate) async fn begin_under_platform(
        vault: &Vault,
        workspace: &WorkspaceName,
        act: Act,
    ) -> Result<(Self, OpenWorkspace), VaultError> {
        let unit = vault.store.begin().await?;
        let platform = lock_platform(vault, &unit).await?;
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
        let stamped = workspaces::lock(&unit, slug)
            .await?
            .ok_or(VaultError::NotFound(Noun::Workspace))?;
        let OpenWorkspace { workspace, keys } = open(vault, &unit, stamped).await?;
        let scope = workspace.scope();
        Ok(Self {
            unit,
            head: workspace,
            keys,
            act,
            now: vault.now(),
            scope,
            revoked: Vec::new(),
            in_progress: vault.leasing.changes().clone(),
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
        let mut change = Self {
            unit,
            head,
            keys: Arc::new(keys),
            act,
            now,
            scope,
            revoked: Vec::new(),
            // No router depends on it yet.
            in_progress: ChangesInProgress::default(),
        };
        change.record(event).await?;
        Ok(change)
    }

    /// Records an event of this change in the workspace's log.
    pub(crate) async fn record(&mut self, mut event: AuditEvent) -> Result<(), VaultError> {
        self.head.audit_sequence += 1;
        event.sequence = self.head.audit_sequence;
        Ok(audit_events::insert(&self.unit, self.head.uid, event).await?)
    }

    /// Locks a customer's workspace beside the platform, whose change this must be: for a record in
    /// that workspace's own log of what the change does to it.
    ///
    /// No two changes wait for each other in a circle. All that lock more than one head lock the
    /// platform's first, so they take turns; the workspaces follow in the order of their identities.
    /// Every other change locks the one head that it changes, and waits for none while it holds it.
    pub(crate) async fn lock_other(
        &self,
        vault: &Vault,
        uid: WorkspaceUid,
    ) -> Result<OpenWorkspace, VaultError> {
        debug_assert_eq!(self.scope, Some(RevisionScope::Platform));
        let stamped = workspaces::lock_by_uid(&self.unit, uid)
            .await?
            .ok_or_else(|| IntegrityFailure::new("workspaces", uid))?;
        Ok(open(vault, &self.unit, stamped).await?)
    }

    /// Records an event in the log of a workspace that was locked beside this one. Its revision stays.
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

    /// The workspace as it is opened for reading.
    pub(crate) fn open(&self) -> OpenWorkspace {
        OpenWorkspace {
            workspace: self.head.clone(),
            keys: Arc::clone(&self.keys),
        }
    }

    /// The rows of the workspace, read in the transaction.
    pub(crate) fn rows(&self) -> CheckedRows<'_, Unit> {
        CheckedRows::new(&self.unit, &self.head, &self.keys)
    }

    /// The identities by which the keys of `parent` are found.
    pub(crate) async fn ids(&self, parent: &KeyParent) -> Result<Parent, VaultError> {
        let project = match parent {
            KeyParent::Scope(Scope::Project(name)) => {
                Some(self.rows().project(&name.project).await?.uid)
            }
            KeyParent::Scope(Scope::Workspace(_)) | KeyParent::Platform => None,
        };
        Ok(Parent {
            workspace: self.head.uid,
            project,
        })
    }

    /// The key of that name, at that etag if one is given.
    pub(crate) async fn key(&self, name: &KeyName, etag: &str) -> Result<Key, VaultError> {
        let parent = self.ids(&name.parent).await?;
        let key = self.rows().key(parent, &name.key).await?;
        check_etag(etag, key.row_revision)?;
        Ok(key)
    }

    /// The current version of a key.
    pub(crate) async fn current_version(&self, key: &Key) -> Result<KeyVersion, VaultError> {
        // The workspace is locked, so no change can have come in between.
        let version = self.rows().current_version(key).await;
        version.map_err(VaultError::settled)
    }

    /// Stores a new key.
    pub(crate) async fn add_key(&self, key: Key) -> Result<(), StoreError> {
        keys::insert(&self.unit, self.keys.stamp(key)).await
    }

    /// Stores a changed key.
    pub(crate) async fn put_key(&self, key: Key) -> Result<(), StoreError> {
        keys::update(&self.unit, self.keys.stamp(key)).await
    }

    /// Stores a new version of a key.
    pub(crate) async fn add_version(&self, version: KeyVersion) -> Result<(), StoreError> {
        versions::insert(&self.unit, self.keys.stamp(version)).await
    }

    /// Stores a changed version of a key.
    pub(crate) async fn put_version(&self, version: KeyVersion) -> Result<(), StoreError> {
        versions::update(&self.unit, self.keys.stamp(version)).await
    }

    /// Stores a new project.
    pub(crate) async fn add_project(&self, project: Project) -> Result<(), StoreError> {
        projects::insert(&self.unit, self.keys.stamp(project)).await
    }

    /// Stores a changed project.
    pub(crate) async fn put_project(&self, project: Project) -> Result<(), StoreError> {
        projects::update(&self.unit, self.keys.stamp(project)).await
    }

    /// Stores a new member.
    pub(crate) async fn add_member(&self, member: Member) -> Result<(), StoreError> {
        members::insert(&self.unit, self.keys.stamp(member)).await
    }

    /// Stores a changed member.
    pub(crate) async fn put_member(&self, member: Member) -> Result<(), StoreError> {
        members::update(&self.unit, self.keys.stamp(member)).await
    }

    /// Stores what the workspace may use of a provider, new or changed.
    pub(crate) async fn put_provider_access(
        &self,
        access: ProviderAccess,
    ) -> Result<(), StoreError> {
        provider_access::put(&self.unit, self.keys.stamp(access)).await
    }

    /// Deletes what the workspace may use of a provider.
    pub(crate) async fn delete_provider_access(
        &self,
        provider: ProviderId,
    ) -> Result<(), StoreError> {
        provider_access::delete(&self.unit, self.head.uid, provider).await
    }

    /// Stores a new data key.
    pub(crate) async fn add_data_key(&self, key: DataKey) -> Result<(), StoreError> {
        data_keys::insert(&self.unit, self.keys.stamp(key)).await
    }

    /// Deletes a data key without reading it. Returns whether it existed.
    pub(crate) async fn delete_data_key(&self, uid: DataKeyUid) -> Result<bool, StoreError> {
        data_keys::delete(&self.unit, self.head.uid, uid).await
    }

    /// Revokes a version: once this is committed, no router begins another call with it.
    pub(crate) fn revoke(&mut self, version: KeyVersionUid) {
        self.revoked.push(version);
    }

    /// Commits a change that no router depends on. The revision stays.
    pub(crate) async fn commit_unnumbered(self) -> Result<(), VaultError> {
        workspaces::update(&self.unit, self.keys.stamp(self.head)).await?;
        Ok(self.unit.commit().await?)
    }

    /// Commits the change under the next revision.
    pub(crate) async fn commit(mut self) -> Result<Committed, VaultError> {
        self.head.revision += 1;
        let (workspace, revision) = (self.head.uid, self.head.revision);
        workspaces::update(&self.unit, self.keys.stamp(self.head)).await?;
        let in_progress = self.in_progress.begin(workspace, revision);
        self.unit.commit().await?;
        Ok(Committed {
            workspace,
            scope: self.scope,
            revision,
            revoked: self.revoked,
            in_progress: Some(in_progress),
        })
    }
}

/// Locks the platform, as [`Change::begin_under_platform`] does.
pub(crate) async fn lock_platform(vault: &Vault, unit: &Unit) -> Result<OpenWorkspace, VaultError> {
    let platform = workspaces::lock(unit, None)
        .await?
        .ok_or_else(|| IntegrityFailure::new("workspaces", "platform"))?;
    Ok(open(vault, unit, platform).await?)
}

/// Opens a workspace whose row is locked.
async fn open(
    vault: &Vault,
    unit: &Unit,
    stamped: Stamped<Workspace>,
) -> Result<OpenWorkspace, CustodyError> {
    // Read through the unit: on SQLite another connection might wait for this very lock.
    let keys = vault.custody.keys_of(unit, stamped.peek().uid).await?;
    let workspace = keys.check(stamped)?;
    Ok(OpenWorkspace { workspace, keys })
}

/// The etag of a row: it changes with each change of the row.
pub(crate) fn etag(row_revision: u64) -> String {
    format!("r{row_revision}")
}

/// Refuses an etag that is not the current one. An empty one is not checked.
pub(crate) fn check_etag(etag: &str, row_revision: u64) -> Result<(), VaultError> {
    if etag.is_empty() || etag == self::etag(row_revision) {
        Ok(())
    } else {
        Err(crate::error::Conflict::Etag.into())
    }
}
