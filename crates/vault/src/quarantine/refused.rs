//! The recheck of one key that its provider refused.

use std::sync::Arc;

use latchkey_contract::names::KeyName;

use crate::change::Change;
use crate::custody::WorkspaceKeys;
use crate::domain::audit::Act;
use crate::domain::key::Key;
use crate::domain::uid::random_uuid;
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::leasing::verification_tasks::{PendingTask, TaskFailure};
use crate::store::keys::Parent;
use crate::store::overdue::Overdue;
use crate::store::{projects, workspaces};
use crate::vault::Vault;

/// A refused key whose rows were checked, as of the time that it was read.
pub(super) struct Refused {
    pub(super) name: KeyName,
    pub(super) key: Key,
    pub(super) version: KeyVersion,
    keys: Arc<WorkspaceKeys>,
}

impl Refused {
    /// Checks the rows of a key. `None` where the key was deleted meanwhile.
    pub(super) async fn read(vault: &Vault, row: Overdue) -> Result<Option<Self>, VaultError> {
        let open = vault.workspace_of(row.listed.parent.workspace).await?;
        let key = open.keys.check(row.listed.key?)?;
        let version = open.keys.check(row.version?)?;
        let name = open.rows(&vault.store).key_name(&key).await?;
        Ok(name.map(|name| Self {
            name,
            key,
            version,
            keys: open.keys,
        }))
    }

    /// Verifies the key with its provider and stores the outcome.
    pub(super) async fn check(self, vault: &Vault, act: &Act) -> Result<(), VaultError> {
        let task = PendingTask {
            id: random_uuid(vault.custody.rng())?,
            provider: self.key.provider,
            destination: self.version.destination.clone(),
            material: Arc::new(self.keys.open(&self.key, &self.version)?),
        };
        match vault.leasing.verify(task).await {
            Ok((grade, detail)) => self.note(vault, act, grade, detail).await,
            Err(TaskFailure::Rejected(message) | TaskFailure::Unreachable(message)) => {
                // Stored too: the key goes to the end of the queue, and its owner sees the reason.
                self.note(vault, act, Grade::Format, message.to_string())
                    .await
            }
            // The last router left before the check.
            Err(TaskFailure::NoRouter) => Ok(()),
        }
    }

    async fn note(
        self,
        vault: &Vault,
        act: &Act,
        grade: Grade,
        detail: String,
    ) -> Result<(), VaultError> {
        let mut change = Change::begin(vault, &self.name.parent, act.clone()).await?;
        let key = change.key(&self.name, "").await?;
        // The outcome does not count for a key that was switched, replaced or refused again meanwhile,
        // nor for another key of the same name.
        if (key.uid, key.row_revision) != (self.key.uid, self.key.row_revision) {
            return Ok(());
        }
        let verification = Verification {
            grade,
            detail,
            time: change.now,
        };
        let version = change.current_version(&key).await?.verified(verification);
        let number = version.version;
        change.put_version(version).await?;
        if !grade.is_accepted() {
            // Not recorded: the audit log would grow with each check of a key that stays refused.
            return change.commit_unnumbered().await;
        }
        let event = change
            .event(&self.name)
            .with("version", number)
            .with("verification", grade.as_str());
        let key = key.readmit(change.now)?;
        change.put_key(key).await?;
        change.record(event).await?;
        let committed = change.commit().await?;
        vault.leasing.propagate(committed).await;
        Ok(())
    }
}

/// The name of a key by its row, unchecked: it names a key whose row is damaged.
pub(super) async fn unchecked_name(vault: &Vault, parent: Parent, slug: &str) -> String {
    let workspace = workspaces::find_by_uid(&vault.store, parent.workspace)
        .await
        .ok()
        .flatten();
    let mut name = match workspace.and_then(|workspace| workspace.peek().name()) {
        Some(workspace) => workspace.to_string(),
        None => "platform".to_owned(),
    };
    if let Some(project) = parent.project {
        let project = projects::find_by_uid(&vault.store, project).await;
        let project = project
            .ok()
            .flatten()
            .and_then(|project| project.peek().slug.clone());
        name.extend(project.map(|project| format!("/projects/{project}")));
    }
    format!("{name}/keys/{slug}")
}
