//! `Resolve`: the vault's choice of a key, and the lease that comes with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyName, KeyVersionName};
use latchkey_contract::uid::{KeyVersionUid, ProjectUid, WorkspaceUid};
use latchkey_contract::vault::v1::{
    self, FundingPolicy, KeyMaterial, ResolveRequest, ResolveResponse, funding_policy, key_material,
};
use latchkey_contract::{ExclusionRule, ProviderId};
use url::Url;
use zeroize::Zeroizing;

use super::state::{Revision, decode_revision};
use super::{RouterSession, VaultClient, status};
use crate::domain::attempt::Payer;
use crate::domain::capability::Capability;
use crate::domain::funding::{Expectations, Funding, FundingFallback, Selection};
use crate::domain::key_query::KeyQuery;
use crate::domain::material::Material;
use crate::domain::model_id::ModelId;
use crate::domain::model_rules::{ModelList, ModelRules};
use crate::domain::model_target::ModelTarget;
use crate::error::RouterError;

/// A granted lease, and what the choice depended on.
pub struct LeaseGrant {
    /// The lease itself.
    pub terms: LeaseTerms,
    /// The session that it was granted in.
    pub session: Arc<RouterSession>,
    /// The workspace of the query.
    pub workspace_uid: WorkspaceUid,
    /// The project of the query, if it is for one.
    pub project_uid: Option<ProjectUid>,
    /// The revisions that the choice was made at; at least one.
    pub revisions: Vec<Revision>,
    /// The workspace's own fallbacks.
    pub fallbacks: Vec<ModelTarget>,
    /// Usable keys that the vault did not choose.
    pub other_keys: Vec<KeyName>,
    /// The keys of the best rank and the weight of each; empty where the vault names none.
    pub weighted_keys: Vec<(KeyName, u64)>,
}

/// A lease as the vault grants it. It has no `Debug`: it holds a secret.
pub struct LeaseTerms {
    /// The name of the key's version, for people.
    pub key_version: KeyVersionName,
    /// The version of the key.
    pub key_version_uid: KeyVersionUid,
    /// The key's provider.
    pub provider: ProviderId,
    /// The address that the key may be sent to; none for the provider's own.
    pub base_url: Option<Url>,
    /// The key's location, such as a Vertex region; empty where it has none.
    pub location: String,
    /// The key's cloud project; empty where it has none.
    pub cloud_project: String,
    /// Azure's API version; empty where the key has none.
    pub api_version: String,
    /// Azure's deployments, by the model that each serves.
    pub deployments: BTreeMap<String, String>,
    /// The rules of the key, the workspace, the project and the operator. A model must satisfy each.
    pub model_rules: ModelRules,
    /// Whether the key's own policy lets the platform's keys follow when a call with it fails.
    pub platform_fallback_allowed: bool,
    /// The secret.
    pub material: Material,
    /// The last four characters of the secret.
    pub material_tail: String,
    /// The party that pays.
    pub payer: Payer,
    /// The model of a request that names none.
    pub default_model: Option<ModelId>,
    /// When the key expires.
    pub expire_time: Option<Timestamp>,
}

impl VaultClient {
    /// Asks the vault for a lease. `preferred` is the key among those of the best rank that should
    /// get the call, where the router knows them.
    pub async fn resolve(
        &self,
        query: &KeyQuery,
        preferred: Option<&KeyName>,
    ) -> Result<LeaseGrant, RouterError> {
        let session = self.session()?;
        let request = ResolveRequest {
            preferred_key: preferred.map(ToString::to_string).unwrap_or_default(),
            ..encode_query(query, session.id())
        };
        let response = self
            .rpc()
            .resolve(request)
            .await
            .map_err(|status| status::error(&status))?;
        decode_grant(session, response.into_inner()).ok_or(RouterError::VaultUnavailable)
    }
}

/// The grant in a response; none where the response makes no sense.
pub(crate) fn decode_grant(
    session: Arc<RouterSession>,
    response: ResolveResponse,
) -> Option<LeaseGrant> {
    let revisions = response
        .revisions
        .into_iter()
        .map(|at| decode_revision(&at))
        .collect::<Option<Vec<Revision>>>()?;
    if revisions.is_empty() {
        // No invalidation could ever take the lease back.
        return None;
    }
    let weighted_keys = response.weighted_keys.into_iter().map(|weighted| {
        let weight = u64::try_from(weighted.weight).ok()?.max(1);
        Some((weighted.key.parse().ok()?, weight))
    });
    Some(LeaseGrant {
        workspace_uid: response.workspace_uid.parse().ok()?,
        project_uid: match response.project_uid.as_str() {
            "" => None,
            uid => Some(uid.parse().ok()?),
        },
        terms: decode_terms(response.lease?)?,
        session,
        revisions,
        fallbacks: decode_fallbacks(response.fallbacks),
        other_keys: response.exclusions.iter().filter_map(usable_key).collect(),
        weighted_keys: weighted_keys.collect::<Option<_>>()?,
    })
}

/// The workspace's fallbacks that this router knows the providers of.
pub(super) fn decode_fallbacks(fallbacks: Vec<v1::WorkspaceFallback>) -> Vec<ModelTarget> {
    let known = fallbacks.into_iter().filter_map(|fallback| {
        let provider = fallback.provider.parse().ok()?;
        status::fallback(provider, &fallback.model)
    });
    known.collect()
}

/// A key that was not chosen, although it can be used.
fn usable_key(exclusion: &v1::Exclusion) -> Option<KeyName> {
    let rule: ExclusionRule = exclusion.rule.parse().ok()?;
    let key = exclusion.key.parse().ok()?;
    rule.leaves_the_key_usable().then_some(key)
}

fn decode_terms(lease: v1::Lease) -> Option<LeaseTerms> {
    let payer = decode_payer(lease.payer())?;
    let own_list = ModelList {
        allowed: lease.allowed_models,
        denied: lease.denied_models,
    };
    let additional_lists = lease
        .additional_model_rules
        .into_iter()
        .map(|rules| ModelList {
            allowed: rules.allowed_models,
            denied: rules.denied_models,
        });
    let base_url = match lease.base_url.as_str() {
        "" => None,
        url => Some(url.parse().ok()?),
    };
    let expire_time = match lease.expire_time {
        Some(time) => {
            let nanos = u32::try_from(time.nanos).ok()?;
            Some(Timestamp::from_unix(time.seconds, nanos)?)
        }
        None => None,
    };
    Some(LeaseTerms {
        key_version: lease.key_version.parse().ok()?,
        key_version_uid: lease.key_version_uid.parse().ok()?,
        provider: lease.provider.parse().ok()?,
        base_url,
        location: lease.location,
        cloud_project: lease.cloud_project,
        api_version: lease.api_version,
        deployments: lease.deployments,
        model_rules: ModelRules(std::iter::once(own_list).chain(additional_lists).collect()),
        platform_fallback_allowed: lease.platform_fallback_allowed,
        material: decode_material(lease.material)?,
        material_tail: lease.material_tail,
        payer,
        default_model: ModelId::parse_optional(&lease.default_model).ok()?,
        expire_time,
    })
}

/// The secret of a message; none where the message has none.
pub(super) fn decode_material(message: Option<KeyMaterial>) -> Option<Material> {
    Some(match message?.kind? {
        key_material::Kind::ApiKey(key) => Material::ApiKey(Zeroizing::new(key)),
        key_material::Kind::ServiceAccountJson(json) => {
            Material::ServiceAccount(Zeroizing::new(json))
        }
        key_material::Kind::EntraClient(client) => Material::EntraClient {
            tenant_id: client.tenant_id,
            client_id: client.client_id,
            client_secret: Zeroizing::new(client.client_secret),
        },
    })
}

pub(super) fn decode_payer(payer: v1::Payer) -> Option<Payer> {
    match payer {
        v1::Payer::OwnKey => Some(Payer::OwnKey),
        v1::Payer::Platform => Some(Payer::Platform),
        v1::Payer::Unspecified => None,
    }
}

/// The request for a query, in a router session.
pub(crate) fn encode_query(query: &KeyQuery, router_session: &str) -> ResolveRequest {
    ResolveRequest {
        router_session: router_session.to_owned(),
        parent: query.scope.to_string(),
        key: text(query.key.as_ref()),
        provider: text(query.provider.as_ref()),
        model: text(query.model.as_ref()),
        capability: encode_capability(query.capability).into(),
        excluded_keys: query.excluded.iter().map(ToString::to_string).collect(),
        payer: query.payer.map_or(0, encode_payer),
        caller: query.caller.to_string(),
        funding: (query.funding != Funding::default()).then(|| encode_funding(query.funding)),
        expectations: query.expectations.as_deref().map(encode_expectations),
        own_key_failed: query.own_key_failed,
        dry_run: false,
        preferred_key: String::new(),
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn encode_capability(capability: Capability) -> v1::Capability {
    match capability {
        Capability::Embed => v1::Capability::Embed,
        Capability::Generate => v1::Capability::Generate,
        Capability::GenerateImages => v1::Capability::GenerateImages,
        Capability::ListModels => v1::Capability::ListModels,
    }
}

fn encode_funding(funding: Funding) -> FundingPolicy {
    let selection = |selection| match selection {
        Selection::Automatic => funding_policy::Selection::Automatic.into(),
        Selection::WhenNamed => funding_policy::Selection::WhenNamed.into(),
    };
    let fallback = |fallback| match fallback {
        FundingFallback::Platform => funding_policy::FundingFallback::Platform.into(),
        FundingFallback::Refuse => funding_policy::FundingFallback::Refuse.into(),
    };
    FundingPolicy {
        selection: funding.selection.map_or(0, selection),
        when_missing: funding.when_missing.map_or(0, fallback),
        when_failed: funding.when_failed.map_or(0, fallback),
        when_switched_off: funding.when_switched_off.map_or(0, fallback),
    }
}

fn encode_expectations(expected: &Expectations) -> v1::Expectations {
    v1::Expectations {
        provider: text(expected.provider.as_ref()),
        key_version: text(expected.key_version.as_ref()),
        payer: expected.payer.map_or(0, encode_payer),
        location: text(expected.location.as_ref()),
    }
}

fn encode_payer(payer: Payer) -> i32 {
    match payer {
        Payer::OwnKey => v1::Payer::OwnKey.into(),
        Payer::Platform => v1::Payer::Platform.into(),
    }
}
