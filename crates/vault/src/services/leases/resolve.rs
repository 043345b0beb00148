//! `Resolve`.

use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::vault::v1::{
    Exclusion as ExclusionMessage, Lease, ModelRules, ResolveRequest, ResolveResponse, WeightedKey,
};

use super::{dry_run, query, session_id};
use crate::domain::funding::UnavailableReason;
use crate::domain::resolution::{Exclusion, Payer};
use crate::error::VaultError;
use crate::resolve::{Grant, ScopedQuery, grant};
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

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
    let query = ScopedQuery::open(vault, &session, scope, names, query).await?;

    let workspace = &query.parent.open.workspace;
    let response = ResolveResponse {
        revisions: [workspace, &query.platform.workspace]
            .into_iter()
            .map(encode::scope_revision)
            .collect(),
        workspace_uid: workspace.uid.to_string(),
        project_uid: query
            .parent
            .project
            .as_ref()
            .map(|project| project.uid.to_string())
            .unwrap_or_default(),
        fallbacks: encode::fallbacks(&workspace.fallbacks),
        ..ResolveResponse::default()
    };
    if request.dry_run {
        return dry_run::complete(vault, call, &query, response).await;
    }
    let grant = grant(vault, &session, &call.act(), &query).await?;
    Ok(ResolveResponse {
        exclusions: grant.exclusions.iter().map(exclusion).collect(),
        weighted_keys: grant.weighted_keys.iter().map(weighted_key).collect(),
        lease: Some(lease(grant)),
        ..response
    })
}

fn lease(grant: Grant) -> Lease {
    let (key, destination) = (&grant.candidate.key, &grant.version.destination);
    let settings = &key.settings;
    Lease {
        lease_id: grant.lease_id.0.to_string(),
        key_version: grant.candidate.version_name().to_string(),
        key_version_uid: key.current_version_uid().to_string(),
        provider: key.provider.to_string(),
        base_url: destination.base_url().to_owned(),
        material_tail: grant.version.material_tail.clone(),
        payer: encode::payer(Payer::of(&grant.candidate.name)).into(),
        expire_time: settings.expire_time.map(encode::time),
        location: destination.location().to_owned(),
        cloud_project: destination.cloud_project_with(&grant.material).to_owned(),
        api_version: destination.api_version().to_owned(),
        material: Some(encode::material(&grant.material)),
        deployments: settings.deployments.clone(),
        allowed_models: settings.allowed_models.clone(),
        denied_models: settings.denied_models.clone(),
        platform_fallback_allowed: settings
            .funding
            .allows_platform_fallback(UnavailableReason::Failed),
        default_model: grant.default_model,
        additional_model_rules: grant
            .additional_model_rules
            .into_iter()
            .map(|(allowed_models, denied_models)| ModelRules {
                allowed_models,
                denied_models,
            })
            .collect(),
    }
}

fn exclusion(exclusion: &Exclusion) -> ExclusionMessage {
    ExclusionMessage {
        key: exclusion.key.to_string(),
        rule: exclusion.rule.as_str().to_owned(),
    }
}

fn weighted_key((key, weight): &(KeyName, u64)) -> WeightedKey {
    WeightedKey {
        key: key.to_string(),
        weight: encode::signed(*weight),
    }
}
