//! Rows of one workspace, each checked against its MAC before it is returned.

use std::collections::HashMap;

use latchkey_contract::names::{
    KeyName, KeyParent, ResourceId, RevisionScope, Scope, WorkspaceName,
};

use crate::custody::{CustodyError, IntegrityFailure, MacRow, WorkspaceKeys};
use crate::domain::data_key::DataKey;
use crate::domain::key::Key;
use crate::domain::member::Member;
use crate::domain::stamped::Stamped;
use crate::domain::uid::{DataKeyUid, KeyUid, ProjectUid};
use crate::domain::version::{KeyVersion, VersionState};
use crate::domain::workspace::{Project, Workspace};
use crate::error::{Noun, VaultError};
use crate::store::keys::Parent;
use crate::store::{Rows, StoreError, data_keys, keys, members, projects, versions};

/// The rows of a workspace, read through the pool or through a unit of changes.
///
/// A row that is named and missing is [`VaultError::NotFound`]. A row that fails its check, or that
/// is missing though another row refers to it, is an integrity failure.
pub(crate) struct CheckedRows<'a, R> {
    rows: &'a R,
    workspace: &'a Workspace,
    keys: &'a WorkspaceKeys,
}

/// A key in a list. A damaged row is listed too, so that it does not hide the others.
pub(crate) struct ListedKey {
    /// The last segment of its name, unchecked.
    pub slug: String,
    /// The checked last segment, the key and its current version.
    pub outcome: Result<(ResourceId, Key, KeyVersion), CustodyError>,
}

impl<'a, R: Rows> CheckedRows<'a, R> {
    /// The rows of `workspace`, whose keys are `keys`.
    pub(crate) fn new(rows: &'a R, workspace: &'a Workspace, keys: &'a WorkspaceKeys) -> Self {
        Self {
            rows,
            workspace,
            keys,
        }
    }

    /// The key of that name, if it exists.
    pub(crate) async fn find_key(
        &self,
        parent: Parent,
        slug: &ResourceId,
    ) -> Result<Option<Key>, VaultError> {
        self.check_found(keys::find(self.rows, parent, slug).await?)
    }

    /// The key of that name.
    pub(crate) async fn key(&self, parent: Parent, slug: &ResourceId) -> Result<Key, VaultError> {
        let key = self.find_key(parent, slug).await?;
        key.ok_or(VaultError::NotFound(Noun::Key))
    }

    /// The keys of a parent in order of name, after `after`, each with its current version.
    pub(crate) async fn list_keys(
        &self,
        parent: Parent,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<ListedKey>, VaultError> {
        let listed = keys::list(self.rows, parent, after, limit).await?;
        let unchecked: Vec<_> = listed
            .iter()
            .filter_map(|row| row.key.as_ref().ok())
            .map(Stamped::peek)
            .collect();
        let mut versions: HashMap<_, _> = versions::current_of(self.rows, &unchecked)
            .await?
            .into_iter()
            .map(|version| (version.peek().key, version))
            .collect();
        let listed = listed.into_iter().map(|row| {
            let key = row.key.as_ref().ok();
            let version = key.and_then(|key| versions.remove(&key.peek().uid));
            ListedKey {
                slug: row.slug,
                outcome: self.check_listed(row.key, version),
            }
        });
        Ok(listed.collect())
    }

    /// Every live key of the workspace, or of one of its projects.
    pub(crate) async fn keys_within(&self, parent: Parent) -> Result<Vec<Key>, VaultError> {
        self.check_all(keys::all_within(self.rows, parent).await?)
    }

    /// The current version of a key. [`VaultError::Overtaken`] where it was replaced or deleted since the
    /// key was read; see [`read_again`].
    pub(crate) async fn current_version(&self, key: &Key) -> Result<KeyVersion, VaultError> {
        let version = versions::find(self.rows, key.uid, key.current_version).await?;
        let version = self.keys.check(version.ok_or_else(|| no_version(key))?)?;
        match version.state {
            VersionState::Current => Ok(version),
            VersionState::Destroyed => Err(VaultError::Overtaken(IntegrityFailure::of(&version))),
        }
    }

    /// The name of a live key of the workspace by its identity.
    pub(crate) async fn key_name_of(&self, uid: KeyUid) -> Result<Option<KeyName>, VaultError> {
        match self.check_found(keys::find_by_uid(self.rows, uid).await?)? {
            Some(key) => self.key_name(&key).await,
            None => Ok(None),
        }
    }

    /// The name of a key; `None` once the key, its project or its workspace is deleted.
    pub(crate) async fn key_name(&self, key: &Key) -> Result<Option<KeyName>, VaultError> {
        let parent = match (self.workspace.scope(), key.project) {
            (None, _) => return Ok(None),
            (Some(RevisionScope::Platform), _) => KeyParent::Platform,
            (Some(RevisionScope::Workspace(name)), None) => {
                KeyParent::Scope(Scope::Workspace(name))
            }
            (Some(RevisionScope::Workspace(name)), Some(project)) => {
                match self.project_name(&name, project).await? {
                    Some(scope) => KeyParent::Scope(scope),
                    None => return Ok(None),
                }
            }
        };
        Ok(key.slug.clone().map(|key| KeyName { parent, key }))
    }

    /// The project of that name.
    pub(crate) async fn project(&self, slug: &ResourceId) -> Result<Project, VaultError> {
        let project = projects::find(self.rows, self.workspace.uid, slug).await?;
        self.check_found(project)?
            .ok_or(VaultError::NotFound(Noun::Project))
    }

    /// The projects in order of name, after `after`.
    pub(crate) async fn list_projects(
        &self,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Project>, VaultError> {
        self.check_all(projects::list(self.rows, self.workspace.uid, after, limit).await?)
    }

    /// The member of that name, if it exists.
    pub(crate) async fn find_member(
        &self,
        slug: &ResourceId,
    ) -> Result<Option<Member>, VaultError> {
        self.check_found(members::find(self.rows, self.workspace.uid, slug).await?)
    }

    /// The member of that name.
    pub(crate) async fn member(&self, slug: &ResourceId) -> Result<Member, VaultError> {
        let member = self.find_member(slug).await?;
        member.ok_or(VaultError::NotFound(Noun::Member))
    }

    /// The member with that identity, if it exists.
    pub(crate) async fn find_member_by_identity(
        &self,
        identity: &str,
    ) -> Result<Option<Member>, VaultError> {
        let workspace = self.workspace.uid;
        self.check_found(members::find_by_identity(self.rows, workspace, identity).await?)
    }

    /// The members in order of name, after `after`.
    pub(crate) async fn list_members(
        &self,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Member>, VaultError> {
        self.check_all(members::list(self.rows, self.workspace.uid, after, limit).await?)
    }

    /// The data key of that identity.
    pub(crate) async fn data_key(&self, uid: DataKeyUid) -> Result<DataKey, VaultError> {
        let key = data_keys::find(self.rows, self.workspace.uid, uid).await?;
        self.check_found(key)?
            .ok_or(VaultError::NotFound(Noun::DataKey))
    }

    async fn project_name(
        &self,
        workspace: &WorkspaceName,
        uid: ProjectUid,
    ) -> Result<Option<Scope>, VaultError> {
        let project = self.check_found(projects::find_by_uid(self.rows, uid).await?)?;
        Ok(project
            .and_then(|project| project.name(workspace))
            .map(Scope::Project))
    }

    fn check_listed(
        &self,
        key: Result<Stamped<Key>, StoreError>,
        version: Option<Stamped<KeyVersion>>,
    ) -> Result<(ResourceId, Key, KeyVersion), CustodyError> {
        let key = self.keys.check(key?)?;
        let slug = key.slug.clone().ok_or_else(|| IntegrityFailure::of(&key))?;
        let version = self.keys.check(version.ok_or_else(|| no_version(&key))?)?;
        Ok((slug, key, version))
    }

    fn check_found<T: MacRow>(&self, stamped: Option<Stamped<T>>) -> Result<Option<T>, VaultError> {
        Ok(stamped
            .map(|stamped| self.keys.check(stamped))
            .transpose()?)
    }

    fn check_all<T: MacRow>(&self, stamped: Vec<Stamped<T>>) -> Result<Vec<T>, VaultError> {
        let checked = stamped.into_iter().map(|stamped| self.keys.check(stamped));
        Ok(checked.collect::<Result<_, CustodyError>>()?)
    }
}

/// Changes that may come between the statements of one read.
const MAX_OVERTAKEN: usize = 8;

/// Runs a read of several statements again where a change came between them. Rows that never fit together
/// are damaged: an older row was put back.
pub(crate) async fn read_again<T, F>(read: impl Fn() -> F) -> Result<T, VaultError>
where
    F: Future<Output = Result<T, VaultError>>,
{
    for _ in 0..MAX_OVERTAKEN {
        match read().await {
            Err(VaultError::Overtaken(_)) => {}
            outcome => return outcome,
        }
    }
    read().await.map_err(VaultError::settled)
}

/// The failure of a key whose current version has no row.
fn no_version(key: &Key) -> IntegrityFailure {
    let row = format!("{}/{}", key.uid, key.current_version);
    IntegrityFailure::new("key_versions", row)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn overtaken() -> VaultError {
        VaultError::Overtaken(IntegrityFailure::new("key_versions", "1"))
    }

    #[tokio::test]
    async fn a_read_that_was_overtaken_is_run_again() {
        let reads = Cell::new(0);
        let outcome = read_again(|| async {
            reads.set(reads.get() + 1);
            if reads.get() < 3 {
                Err(overtaken())
            } else {
                Ok(reads.get())
            }
        });
        assert_eq!(outcome.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn rows_that_never_fit_together_are_damaged() {
        let outcome: Result<(), _> = read_again(|| async { Err(overtaken()) }).await;
        let damage = CustodyError::Integrity(IntegrityFailure::new("key_versions", "1"));
        match outcome {
            Err(VaultError::Custody(error)) => assert_eq!(error.to_string(), damage.to_string()),
            other => panic!("{other:?}"),
        }
    }
}
