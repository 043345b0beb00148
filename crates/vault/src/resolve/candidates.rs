//! The candidates for a query: the keys that the rules choose among.

use latchkey_contract::names::{KeyName, KeyParent, Scope};

use super::query::ScopedQuery;
use crate::audit;
use crate::custody::CustodyError;
use crate::domain::audit::Act;
use crate::domain::resolution::Candidate;
use crate::domain::version::KeyVersion;
use crate::error::{Noun, VaultError};
use crate::store::keys::{self, Listed};
use crate::vault::{OpenWorkspace, Vault};

/// Reads the candidates: the named key alone, or all keys of the scope and the platform.
pub(super) async fn candidates(
    vault: &Vault,
    act: &Act,
    query: &ScopedQuery,
) -> Result<Vec<Candidate>, VaultError> {
    let mut candidates = if query.names.is_empty() {
        all(vault, act, query).await?
    } else {
        vec![named(vault, query).await?]
    };
    if query.query.expectations.location.is_some() {
        for candidate in &mut candidates {
            let version = current_version(vault, query, candidate).await?;
            version
                .destination
                .location()
                .clone_into(&mut candidate.location);
        }
    }
    Ok(candidates)
}

/// The current version of a candidate.
pub(super) async fn current_version(
    vault: &Vault,
    query: &ScopedQuery,
    candidate: &Candidate,
) -> Result<KeyVersion, VaultError> {
    let owner = query.owner(&candidate.name);
    owner
        .rows(&vault.store)
        .current_version(&candidate.key)
        .await
}

async fn named(vault: &Vault, query: &ScopedQuery) -> Result<Candidate, VaultError> {
    let rows = query.parent.open.rows(&vault.store);
    for name in &query.names {
        let mut ids = query.parent.ids();
        if let KeyParent::Scope(Scope::Workspace(_)) = &name.parent {
            ids.project = None;
        }
        if let Some(key) = rows.find_key(ids, &name.key).await? {
            return Ok(Candidate {
                name: name.clone(),
                key,
                location: String::new(),
            });
        }
    }
    Err(VaultError::NotFound(Noun::Key))
}

/// Reads every key of the query's provider, or of all providers. A damaged row is recorded and
/// skipped, so that the other keys stay usable.
async fn all(vault: &Vault, act: &Act, query: &ScopedQuery) -> Result<Vec<Candidate>, VaultError> {
    let platform = query.platform.workspace.uid;
    let provider = query.query.provider;
    let ids = query.parent.ids();
    let listed = keys::candidates(&vault.store, ids, platform, provider).await?;
    let mut candidates = Vec::with_capacity(listed.len());
    for row in listed {
        let (parent, owner) = owner_of(query, &row);
        let name = format!("{parent}/keys/{}", row.slug);
        match check(owner, parent, row) {
            Ok(candidate) => candidates.extend(candidate),
            Err(error) => audit::record_damage(vault, act, &name, &error).await,
        }
    }
    Ok(candidates)
}

/// The owner that a row names, unchecked.
fn owner_of<'a>(query: &'a ScopedQuery, row: &Listed) -> (KeyParent, &'a OpenWorkspace) {
    let open = &query.parent.open;
    if row.parent.workspace == query.platform.workspace.uid {
        (KeyParent::Platform, &query.platform)
    } else if row.parent.project.is_some() {
        (KeyParent::Scope(query.scope.clone()), open)
    } else {
        let workspace = Scope::Workspace(query.scope.workspace().clone());
        (KeyParent::Scope(workspace), open)
    }
}

fn check(
    owner: &OpenWorkspace,
    parent: KeyParent,
    row: Listed,
) -> Result<Option<Candidate>, CustodyError> {
    let key = owner.keys.check(row.key?)?;
    Ok(key.slug.clone().map(|slug| Candidate {
        name: KeyName { parent, key: slug },
        key,
        location: String::new(),
    }))
}
