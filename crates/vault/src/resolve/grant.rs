//! The grant of a lease: the choice of a key, its material, the lease's record.

use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyName;
use ring::rand::SecureRandom as _;
use uuid::{Builder, Uuid};

use super::candidates::{candidates, current_version};
use super::query::ScopedQuery;
use crate::custody::CustodyError;
use crate::domain::audit::Act;
use crate::domain::key::Key;
use crate::domain::material::Material;
use crate::domain::resolution::{Candidate, Choice, Exclusion, ScopePolicies, choose};
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::leasing::{LeaseId, LeaseRecord, RouterSession};
use crate::rows::read_again;
use crate::store;
use crate::vault::Vault;

/// The precision of `last_used_time`: it is stored at most once in this span.
const LAST_USE_PRECISION: Duration = Duration::from_mins(1);

/// A key version granted to a router, with its material.
pub(crate) struct Grant {
    /// The lease.
    pub lease_id: LeaseId,
    /// The chosen key.
    pub candidate: Candidate,
    /// Its current version.
    pub version: KeyVersion,
    /// The material of the version.
    pub material: Material,
    /// The model of a request that names none; empty for none.
    pub default_model: String,
    /// The allowed and the denied models that hold beside the key's own.
    pub additional_model_rules: Vec<(Vec<String>, Vec<String>)>,
    /// The keys that share the calls with the chosen one, itself among them, and their weights.
    pub weighted_keys: Vec<(KeyName, u64)>,
    /// The other candidates, each with the rule that excluded it.
    pub exclusions: Vec<Exclusion>,
}

/// Chooses a key for a query and leases it to the session.
pub(crate) async fn grant(
    vault: &Vault,
    session: &RouterSession,
    act: &Act,
    query: &ScopedQuery,
) -> Result<Grant, VaultError> {
    let chosen = read_again(|| choose_and_open(vault, act, query)).await?;
    let Chosen {
        policies,
        choice,
        version,
        material,
    } = chosen;
    let candidate = choice.chosen;
    let lease_id = LeaseId(lease_uuid(vault)?);
    let record = LeaseRecord {
        key_version: candidate.version_name(),
        key_version_uid: candidate.key.current_version_uid(),
        scope: query.scope.clone(),
        create_time: vault.now(),
        revisions: query.revisions(),
    };
    session.lease(lease_id, record);
    note_use(vault, &candidate.key).await;
    Ok(Grant {
        lease_id,
        default_model: policies.default_model(&candidate.key).to_owned(),
        additional_model_rules: additional_model_rules(&policies, candidate.key.provider),
        candidate,
        version,
        material,
        weighted_keys: choice.weighted_keys,
        exclusions: choice.exclusions,
    })
}

/// A choice, with what its rows hold.
struct Chosen {
    policies: ScopePolicies,
    choice: Choice,
    version: KeyVersion,
    material: Material,
}

async fn choose_and_open(
    vault: &Vault,
    act: &Act,
    query: &ScopedQuery,
) -> Result<Chosen, VaultError> {
    let (policies, candidates) =
        tokio::try_join!(query.policies(vault), candidates(vault, act, query))?;
    let draw = random_number(vault)?;
    let choice =
        choose(&candidates, &policies, &query.query, vault.now(), draw).map_err(|refusal| {
            VaultError::Resolution {
                refusal,
                fallbacks: query.parent.open.workspace.fallbacks.clone(),
            }
        })?;
    let version = current_version(vault, query, &choice.chosen).await?;
    let owner = query.owner(&choice.chosen.name);
    let material = owner.keys.open(&choice.chosen.key, &version)?;
    Ok(Chosen {
        policies,
        choice,
        version,
        material,
    })
}

/// The lists of models that hold beside the key's own; those without an entry are left out.
fn additional_model_rules(
    policies: &ScopePolicies,
    provider: ProviderId,
) -> Vec<(Vec<String>, Vec<String>)> {
    policies
        .model_lists(provider)
        .filter(|(allowed, denied)| !allowed.is_empty() || !denied.is_empty())
        .map(|(allowed, denied)| (allowed.to_vec(), denied.to_vec()))
        .collect()
}

/// Stores the time of the use. A failure is logged, and the lease is granted all the same.
async fn note_use(vault: &Vault, key: &Key) {
    let now = vault.now();
    let recent = |last| now.saturating_duration_since(last) < LAST_USE_PRECISION;
    if key.last_used_time.is_some_and(recent) {
        return;
    }
    if let Err(error) = store::keys::touch(&vault.store, key.uid, now).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, key = %key.uid, "storing the last use of a key failed");
    }
}

fn random_number(vault: &Vault) -> Result<u64, CustodyError> {
    Ok(u64::from_be_bytes(random_bytes(vault)?))
}

/// A version 7 UUID, so that leases sort by time.
fn lease_uuid(vault: &Vault) -> Result<Uuid, CustodyError> {
    let bytes = random_bytes(vault)?;
    let millis = u64::try_from(vault.now().as_micros() / 1_000).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
}

fn random_bytes<const N: usize>(vault: &Vault) -> Result<[u8; N], CustodyError> {
    let mut bytes = [0; N];
    let filled = vault.custody.rng().fill(&mut bytes);
    filled.map_err(|_| CustodyError::Randomness)?;
    Ok(bytes)
}
