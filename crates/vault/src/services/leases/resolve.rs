//! `Resolve`.

use std::time::Duration;

use latchkey_contract::names::{KeyName, KeyParent, KeyVersionName, RevisionScope, Scope};
use latchkey_contract::vault::v1::{
    Exclusion, Lease, ResolveRequest, ResolveResponse, ScopeRevision,
};
use ring::rand::SecureRandom as _;
use uuid::Builder;

use super::{session_id, wish};
use crate::custody::{CustodyError, WorkspaceKeys};
use crate::domain::audit::{AuditEvent, Decision};
use crate::domain::key::Key;
use crate::domain::provider::Provider;
use crate::domain::resolution::{Candidate, Choice, Payer, Wish, choose};
use crate::domain::workspace::Workspace;
use crate::error::{Noun, VaultError};
use crate::leasing::{LeaseId, LeaseRecord, Session};
use crate::services::call::Call;
use crate::services::encode;
use crate::store::{self, keys::Listed};
use crate::vault::{OpenParent, OpenWorkspace, Vault};

/// How exactly `last_used_time` is kept.
const USE_GRAIN: Duration = Duration::from_mins(1);

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ResolveRequest,
) -> Result<ResolveResponse, VaultError> {
    call.authorize_deployment()?;
    let wish = wish::decode(&request)?;
    let session = vault
        .leasing
        .session(session_id(&request.session)?, call.actor())?;
    let scope: Scope = request.parent.parse().map_err(VaultError::name("parent"))?;
    let wanted = wish::named_keys(&request.key, &scope)?;
    let named = !wanted.is_empty();
    let provider = match request.provider.as_str() {
        "" if named => None,
        text => Some(
            text.parse()
                .map_err(|error| VaultError::field("provider", error))?,
        ),
    };

    // The dependency is registered before the keys are read: a change that commits after these lines
    // is told to the session, one that committed before them is seen below.
    let mut open = vault.workspace(Some(scope.workspace())).await?;
    while !depend_on(&session, &open) {
        // The row itself tells the fallbacks, so it is read once more too.
        open = vault.workspace(Some(scope.workspace())).await?;
    }
    let platform = vault.workspace(None).await?;
    depend_on(&session, &platform);
    let parent = KeyParent::Scope(scope.clone());
    let parent = vault.parent_in(open, &parent).await?;
    let wish = Wish {
        provider,
        named,
        ..wish
    };
    let candidates = match provider {
        _ if named => vec![named_candidate(vault, &parent, wanted).await?],
        Some(provider) => all_candidates(vault, call, &scope, &parent, &platform, provider).await?,
        None => return Err(VaultError::field("provider", "is required without a key")),
    };
    let workspace = &parent.open.workspace;
    let choice = choose(candidates, &wish, vault.now(), random(vault)?);
    let choice = choice.map_err(|refusal| VaultError::Resolution {
        refusal,
        fallbacks: workspace.fallbacks.clone(),
    })?;
    let lease_id = LeaseId(lease_uuid(vault)?);
    let owner = match choice.chosen.name.parent {
        KeyParent::Platform => &platform,
        KeyParent::Scope(_) => &parent.open,
    };
    let (lease, version) = lend(vault, owner, &choice, lease_id).await?;
    let record = LeaseRecord {
        key_version: version,
        scope: scope.clone(),
        create_time: vault.now(),
    };
    session.lend(lease_id, record);
    touch(vault, &choice.chosen.key).await;
    Ok(ResolveResponse {
        lease: Some(lease),
        exclusions: exclusions(&choice),
        revisions: [&parent.open, &platform]
            .into_iter()
            .filter_map(revision)
            .collect(),
        fallbacks: encode::fallbacks(&workspace.fallbacks),
        ..ResolveResponse::default()
    })
}

/// Has the session told of changes of a workspace. Tells whether it was before already, and so before
/// the workspace was read.
pub(super) fn depend_on(session: &Session, open: &OpenWorkspace) -> bool {
    let Workspace { uid, revision, .. } = &open.workspace;
    let scope = open.workspace.scope();
    scope.is_none_or(|scope| session.depend_on(*uid, scope, *revision))
}

async fn named_candidate(
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
            });
        }
    }
    Err(VaultError::NotFound(Noun::Key))
}

/// The keys that come into question. One damaged row is recorded and left out: the others work on.
async fn all_candidates(
    vault: &Vault,
    call: &Call,
    scope: &Scope,
    parent: &OpenParent,
    platform: &OpenWorkspace,
    provider: Provider,
) -> Result<Vec<Candidate>, VaultError> {
    let ids = parent.ids();
    let found =
        store::keys::candidates(&vault.store, ids, platform.workspace.uid, provider).await?;
    let mut candidates = Vec::with_capacity(found.len());
    for Listed {
        parent: row,
        slug,
        key,
    } in found
    {
        let (owner, keys): (_, &WorkspaceKeys) = if row.workspace == platform.workspace.uid {
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
                Candidate { name, key }
            })),
            Err(_) => record_damage(vault, call, &format!("{owner}/keys/{slug}")).await,
        }
    }
    Ok(candidates)
}

async fn record_damage(vault: &Vault, call: &Call, name: &str) {
    let decision = Decision::IntegrityFailure;
    let event = AuditEvent::refused(&call.act(), name, decision, "INTEGRITY", vault.now());
    crate::audit::record_refusal(vault, event).await;
}

/// Opens the chosen key's material.
async fn lend(
    vault: &Vault,
    owner: &OpenWorkspace,
    choice: &Choice,
    lease_id: LeaseId,
) -> Result<(Lease, KeyVersionName), VaultError> {
    let Candidate { name, key } = &choice.chosen;
    let found = store::versions::find(&vault.store, key.uid, key.current_version).await?;
    let version = owner.keys.check(found.ok_or(CustodyError::Integrity)?)?;
    let material = owner.keys.open(key, &version)?;
    let version_name = KeyVersionName {
        key: name.clone(),
        version: version.version,
    };
    let (settings, destination) = (&key.settings, &version.destination);
    let lease = Lease {
        lease_id: lease_id.0.to_string(),
        key_version: version_name.to_string(),
        provider: key.provider.to_string(),
        base_url: destination.base_url().to_owned(),
        material_tail: version.material_tail.clone(),
        payer: encode::payer(Payer::of(name)).into(),
        default_model: settings.default_model.clone(),
        expire_time: settings.expire_time.map(encode::time),
        location: destination.location().to_owned(),
        cloud_project: destination.cloud_project_with(&material).to_owned(),
        api_version: destination.api_version().to_owned(),
        material: Some(encode::material(&material)),
        deployments: settings.deployments.clone(),
        allowed_models: settings.allowed_models.clone(),
        denied_models: settings.denied_models.clone(),
    };
    Ok((lease, version_name))
}

/// Notes the use, at most once a minute; a failure costs no caller its answer.
async fn touch(vault: &Vault, key: &Key) {
    let now = vault.now();
    let recent = |last| now.saturating_duration_since(last) < USE_GRAIN;
    if key.last_used_time.is_some_and(recent) {
        return;
    }
    if let Err(error) = store::keys::touch(&vault.store, key.uid, now).await {
        let chain = &error as &dyn std::error::Error;
        tracing::warn!(error = chain, "the last use of a key could not be noted");
    }
}

fn exclusions(choice: &Choice) -> Vec<Exclusion> {
    let encode = |exclusion: &crate::domain::resolution::Exclusion| Exclusion {
        key: exclusion.key.to_string(),
        rule: exclusion.rule.as_str().to_owned(),
    };
    choice.exclusions.iter().map(encode).collect()
}

pub(super) fn revision(open: &OpenWorkspace) -> Option<ScopeRevision> {
    let scope: RevisionScope = open.workspace.scope()?;
    let revision = encode::signed(open.workspace.revision);
    Some(ScopeRevision {
        scope: scope.to_string(),
        revision,
    })
}

fn random(vault: &Vault) -> Result<u64, VaultError> {
    let mut bytes = [0; 8];
    vault
        .custody
        .rng()
        .fill(&mut bytes)
        .map_err(|_| CustodyError::Randomness)?;
    Ok(u64::from_be_bytes(bytes))
}

fn lease_uuid(vault: &Vault) -> Result<uuid::Uuid, VaultError> {
    let mut bytes = [0; 10];
    vault
        .custody
        .rng()
        .fill(&mut bytes)
        .map_err(|_| CustodyError::Randomness)?;
    let millis = u64::try_from(vault.now().as_micros() / 1_000).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}
