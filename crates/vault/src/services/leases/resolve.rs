//! `Resolve`.

use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, KeyVersionName, RevisionScope, Scope};
use latchkey_contract::vault::v1::{
    Exclusion, Lease, ModelRules, ResolveRequest, ResolveResponse, ScopeRevision, WeightedKey,
};
use ring::rand::SecureRandom as _;
use uuid::Builder;

use super::{candidates, dry_run, query, session_id};
use crate::custody::CustodyError;
use crate::domain::funding::UnavailableReason;
use crate::domain::key::Key;
use crate::domain::resolution::{Candidate, Choice, KeyQuery, Payer, Terms, choose};
use crate::domain::workspace::Workspace;
use crate::error::VaultError;
use crate::leasing::{LeaseId, LeaseRecord, Session};
use crate::services::call::Call;
use crate::services::encode;
use crate::store;
use crate::vault::{OpenParent, OpenWorkspace, Vault};

/// How exactly `last_used_time` is kept.
const USE_GRAIN: Duration = Duration::from_mins(1);

/// A request for a key, and everything that its answer depends on.
pub(super) struct Question {
    pub(super) scope: Scope,
    pub(super) parent: OpenParent,
    pub(super) platform: OpenWorkspace,
    pub(super) query: KeyQuery,
}

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ResolveRequest,
) -> Result<ResolveResponse, VaultError> {
    call.authorize_deployment()?;
    let query = query::decode(&request)?;
    let session = vault
        .leasing
        .session(session_id(&request.router_session)?, call.actor())?;
    let scope: Scope = request.parent.parse().map_err(VaultError::name("parent"))?;
    let names = query::named_keys(&request.key, &scope)?;

    // The dependency is registered before the keys are read: a change that commits after these lines
    // is told to the session, one that committed before them is seen below.
    let mut open = vault.workspace(Some(scope.workspace())).await?;
    while !depend_on(&session, &open) {
        // The row itself tells the policy, so it is read once more too.
        open = vault.workspace(Some(scope.workspace())).await?;
    }
    let platform = vault.workspace(None).await?;
    depend_on(&session, &platform);
    let parent = KeyParent::Scope(scope.clone());
    let parent = vault.parent_in(open, &parent).await?;
    let question = Question {
        scope,
        parent,
        platform,
        query,
    };
    let (terms, candidates) = tokio::try_join!(
        terms(vault, &question),
        candidates::gather(vault, call, &question, names),
    )?;
    let fallbacks = &question.parent.open.workspace.fallbacks;
    let answer = ResolveResponse {
        revisions: [&question.parent.open, &question.platform]
            .into_iter()
            .filter_map(revision)
            .collect(),
        fallbacks: encode::fallbacks(fallbacks),
        ..ResolveResponse::default()
    };
    if request.dry_run {
        let (candidates, refusal) = dry_run::answer(vault, &question, &terms, candidates).await?;
        return Ok(ResolveResponse {
            candidates,
            refusal,
            ..answer
        });
    }
    let query = &question.query;
    let choice = choose(&candidates, &terms, query, vault.now(), random(vault)?);
    let choice = choice.map_err(|refusal| VaultError::Resolution {
        refusal,
        fallbacks: fallbacks.clone(),
    })?;
    let lease_id = LeaseId(lease_uuid(vault)?);
    let (lease, version) = lease(vault, &question, &terms, &choice, lease_id).await?;
    let record = LeaseRecord {
        key_version: version,
        scope: question.scope.clone(),
        create_time: vault.now(),
    };
    session.lease(lease_id, record);
    touch(vault, &choice.chosen.key).await;
    Ok(ResolveResponse {
        lease: Some(lease),
        exclusions: exclusions(&choice),
        weighted_keys: shares(&choice),
        ..answer
    })
}

/// What holds for the scope.
async fn terms(vault: &Vault, question: &Question) -> Result<Terms, VaultError> {
    let Question {
        parent, platform, ..
    } = question;
    let provider = question.query.provider;
    let workspace = &parent.open.workspace;
    let project = parent.project.as_ref();
    Ok(Terms {
        funding: workspace.funding,
        rules: workspace.rules.clone(),
        project: project.map(|project| (project.funding, project.rules.clone())),
        access: vault.access_of(&parent.open, platform, provider).await?,
    })
}

/// Has the session told of changes of a workspace. Tells whether it was before already, and so before
/// the workspace was read.
pub(super) fn depend_on(session: &Session, open: &OpenWorkspace) -> bool {
    let Workspace { uid, revision, .. } = &open.workspace;
    let scope = open.workspace.scope();
    scope.is_none_or(|scope| session.depend_on(*uid, scope, *revision))
}

/// Opens the chosen key's material.
async fn lease(
    vault: &Vault,
    question: &Question,
    terms: &Terms,
    choice: &Choice,
    lease_id: LeaseId,
) -> Result<(Lease, KeyVersionName), VaultError> {
    let chosen = &choice.chosen;
    let Candidate { name, key, .. } = chosen;
    let version = candidates::version(vault, question, chosen).await?;
    let material = question.owner(name).keys.open(key, &version)?;
    let version_name = candidates::version_name(chosen);
    let (settings, destination) = (&key.settings, &version.destination);
    let lease = Lease {
        lease_id: lease_id.0.to_string(),
        key_version: version_name.to_string(),
        provider: key.provider.to_string(),
        base_url: destination.base_url().to_owned(),
        material_tail: version.material_tail.clone(),
        payer: encode::payer(Payer::of(name)).into(),
        default_model: terms.default_model(key).to_owned(),
        expire_time: settings.expire_time.map(encode::time),
        location: destination.location().to_owned(),
        cloud_project: destination.cloud_project_with(&material).to_owned(),
        api_version: destination.api_version().to_owned(),
        material: Some(encode::material(&material)),
        deployments: settings.deployments.clone(),
        allowed_models: settings.allowed_models.clone(),
        denied_models: settings.denied_models.clone(),
        platform_fallback_allowed: settings
            .funding
            .lets_the_platform_stand_in(UnavailableReason::Failed),
        additional_model_rules: additional_model_rules(terms, key.provider),
    };
    Ok((lease, version_name))
}

/// The lists of models that hold beside the key's own.
fn additional_model_rules(terms: &Terms, provider: ProviderId) -> Vec<ModelRules> {
    let lists = terms.model_lists(provider);
    let lists = lists.filter(|(allowed, denied)| !allowed.is_empty() || !denied.is_empty());
    let encode = |(allowed, denied): (&[String], &[String])| ModelRules {
        allowed_models: allowed.to_vec(),
        denied_models: denied.to_vec(),
    };
    lists.map(encode).collect()
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

fn shares(choice: &Choice) -> Vec<WeightedKey> {
    let encode = |(key, weight): &(KeyName, u64)| WeightedKey {
        key: key.to_string(),
        weight: encode::signed(*weight),
    };
    choice.weighted_keys.iter().map(encode).collect()
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
