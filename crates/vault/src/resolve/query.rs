//! A query for a key, with the rows of the scope that it is for.

use latchkey_contract::names::{KeyName, KeyParent, Scope};

use crate::domain::resolution::{KeyQuery, ScopePolicies};
use crate::domain::uid::WorkspaceUid;
use crate::error::VaultError;
use crate::leasing::RouterSession;
use crate::vault::{OpenParent, OpenWorkspace, Vault};

/// A query for a key in a scope, whose rows were checked.
pub(crate) struct ScopedQuery {
    /// The scope.
    pub scope: Scope,
    /// The workspace or project of the scope.
    pub parent: OpenParent,
    /// The platform.
    pub platform: OpenWorkspace,
    /// The names of the one key that the request names, the nearest first; empty where it names none.
    pub names: Vec<KeyName>,
    /// The query.
    pub query: KeyQuery,
}

impl ScopedQuery {
    /// Opens the scope and the platform. The session depends on both before any key is read: a change
    /// that commits later is sent to the session, and one that committed earlier is read.
    pub(crate) async fn open(
        vault: &Vault,
        session: &RouterSession,
        scope: Scope,
        names: Vec<KeyName>,
        query: KeyQuery,
    ) -> Result<Self, VaultError> {
        let open = vault
            .workspace_for(session, Some(scope.workspace()))
            .await?;
        let platform = vault.workspace_for(session, None).await?;
        let parent = vault
            .parent_in(open, &KeyParent::Scope(scope.clone()))
            .await?;
        Ok(Self {
            scope,
            parent,
            platform,
            names,
            query,
        })
    }

    /// The revisions that the rows were read at, or earlier ones.
    pub(crate) fn revisions(&self) -> Vec<(WorkspaceUid, u64)> {
        [&self.parent.open.workspace, &self.platform.workspace]
            .map(|workspace| (workspace.uid, workspace.revision))
            .to_vec()
    }

    /// The policies that hold for the scope.
    pub(super) async fn policies(&self, vault: &Vault) -> Result<ScopePolicies, VaultError> {
        let open = &self.parent.open;
        let project = self.parent.project.as_ref();
        let access = vault.availability(open, &self.platform, self.query.provider);
        Ok(ScopePolicies {
            funding: open.workspace.funding,
            rules: open.workspace.rules.clone(),
            project: project.map(|project| (project.funding, project.rules.clone())),
            access: access.await?,
        })
    }

    /// The workspace that owns a key, with the keys that check its rows.
    pub(super) fn owner(&self, key: &KeyName) -> &OpenWorkspace {
        match key.parent {
            KeyParent::Platform => &self.platform,
            KeyParent::Scope(_) => &self.parent.open,
        }
    }
}
