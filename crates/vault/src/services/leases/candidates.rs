//! The keys that come into question for a request.

use latchkey_contract::Reason;
use latchkey_contract::names::{KeyName, KeyParent, KeyVersionName, Scope};

use super::resolve::Question;
use crate::custody::{CustodyError, WorkspaceKeys};
use crate::domain::audit::{AuditEvent, Decision};
use crate::domain::resolution::Candidate;
use crate::domain::version::KeyVersion;
use crate::error::{Noun, VaultError};
use crate::services::call::Call;
use crate::store::{self, keys::Listed};
use crate::vault::{OpenParent, OpenWorkspace, Vault};

/// The named key alone, or all that the scope and the platform have.
pub(super) async fn gather(
    vault: &Vault,
    call: &Call,
    question: &Question,
    names: Vec<KeyName>,
) -> Result<Vec<Candidate>, VaultError> {
    let mut candidates = if names.is_empty() {
        all(vault, call, question).await?
    } else {
        vec![named(vault, &question.parent, names).await?]
    };
    if question.query.expectations.location.is_some() {
        for candidate in &mut candidates {
            let version = version(vault, question, candidate).await?;
            version
                .destination
                .location()
                .clone_into(&mut candidate.location);
        }
    }
    Ok(candidates)
}

/// The version of a candidate that is in use.
pub(super) async fn version(
    vault: &Vault,
    question: &Question,
    candidate: &Candidate,
) -> Result<KeyVersion, VaultError> {
    let key = &candidate.key;
    let found = store::versions::find(&vault.store, key.uid, key.current_version).await?;
    let owner = question.owner(&candidate.name);
    Ok(owner.keys.check(found.ok_or(CustodyError::Integrity)?)?)
}

/// The name of that version.
pub(super) fn version_name(candidate: &Candidate) -> KeyVersionName {
    KeyVersionName {
        key: candidate.name.clone(),
        version: candidate.key.current_version,
    }
}

async fn named(
    vault: &Vault,
    parent: &OpenParent,
    names: Vec<KeyName>,
) -> Result<Candidate, VaultError> {
    for name in names {
        let mut ids = parent.ids();
        if let KeyParent::Scope(Scope::Workspace(_)) = &name.parent {
            ids.project = None;
        }
        if let Some(stamped) = store::keys::find(&vault.store, ids, &name.key).await? {
            return Ok(Candidate {
                name,
                key: parent.open.keys.check(stamped)?,
                location: String::new(),
            });
        }
    }
    Err(VaultError::NotFound(Noun::Key))
}

/// Every key of the provider asked for, or of all. One damaged row is recorded and left out: the others
/// work on.
async fn all(
    vault: &Vault,
    call: &Call,
    question: &Question,
) -> Result<Vec<Candidate>, VaultError> {
    let Question {
        scope,
        parent,
        platform,
        query,
        ..
    } = question;
    let platforms = platform.workspace.uid;
    let found =
        store::keys::candidates(&vault.store, parent.ids(), platforms, query.provider).await?;
    let mut candidates = Vec::with_capacity(found.len());
    for Listed {
        parent: row,
        slug,
        key,
    } in found
    {
        let (owner, keys): (_, &WorkspaceKeys) = if row.workspace == platforms {
            (KeyParent::Platform, &platform.keys)
        } else if row.project.is_some() {
            (KeyParent::Scope(scope.clone()), &parent.open.keys)
        } else {
            let workspace = Scope::Workspace(scope.workspace().clone());
            (KeyParent::Scope(workspace), &parent.open.keys)
        };
        match key
            .map_err(CustodyError::from)
            .and_then(|stamped| keys.check(stamped))
        {
            Ok(key) => candidates.extend(key.slug.clone().map(|slug| {
                let name = KeyName {
                    parent: owner,
                    key: slug,
                };
                Candidate {
                    name,
                    key,
                    location: String::new(),
                }
            })),
            Err(_) => record_damage(vault, call, &format!("{owner}/keys/{slug}")).await,
        }
    }
    Ok(candidates)
}

async fn record_damage(vault: &Vault, call: &Call, name: &str) {
    let decision = Decision::IntegrityFailure;
    let event = AuditEvent::refused(&call.act(), name, decision, Reason::Integrity, vault.now());
    crate::audit::record_refusal(vault, event).await;
}

impl Question {
    /// Whose key that is, and with which keys its rows are checked.
    pub(super) fn owner(&self, key: &KeyName) -> &OpenWorkspace {
        match key.parent {
            KeyParent::Platform => &self.platform,
            KeyParent::Scope(_) => &self.parent.open,
        }
    }
}
