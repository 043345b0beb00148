//! A dry run of `Resolve`: the keys that would be tried, without a lease.

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyVersionName;
use latchkey_contract::uid::KeyVersionUid;
use latchkey_contract::vault::v1::{self, ResolveRequest, ResolveResponse};

use super::resolve::{decode_fallbacks, decode_payer, encode_query};
use super::{VaultClient, in_time, status};
use crate::domain::attempt::Payer;
use crate::domain::key_query::KeyQuery;
use crate::domain::model_id::ModelId;
use crate::domain::model_target::ModelTarget;
use crate::domain::refusal::VaultRefusal;
use crate::error::RouterError;

/// The candidates for a query.
pub struct DryRun {
    /// First the keys that would be tried, in that order.
    pub candidates: Vec<Candidate>,
    /// Why no key would be tried.
    pub refusal: Option<VaultRefusal>,
    /// The workspace's own fallbacks.
    pub fallbacks: Vec<ModelTarget>,
}

/// A key that the query matches.
pub struct Candidate {
    /// The version that would be leased.
    pub key_version: KeyVersionName,
    /// Its identity.
    pub key_version_uid: KeyVersionUid,
    /// The last four characters of its material.
    pub material_tail: String,
    /// Its provider.
    pub provider: ProviderId,
    /// The party that would pay.
    pub payer: Payer,
    /// The model that would be called; none where neither the request nor the key names one.
    pub model: Option<ModelId>,
    /// Its location, such as a Vertex region; empty where it has none.
    pub location: String,
    /// Whether its own policy lets the platform's keys follow when a call with it fails.
    pub platform_fallback_allowed: bool,
    /// When it would be tried, from 1; 0 for never.
    pub step: i32,
    /// Its weight among the keys of its step.
    pub weight: i32,
    /// The vault's rule that excludes it, for display; empty where it would be tried. A vault of a
    /// later release may have rules that this router doesn't know.
    pub rule: String,
    /// The provider's message where the key is quarantined.
    pub detail: String,
}

impl VaultClient {
    /// Asks what would be chosen now. Nothing is leased or cached.
    pub async fn dry_run(&self, query: &KeyQuery) -> Result<DryRun, RouterError> {
        let session = self.session()?;
        let request = ResolveRequest {
            dry_run: true,
            ..encode_query(query, session.id())
        };
        let mut client = self.rpc();
        let response = in_time(client.resolve(request)).await?;
        decode(response).ok_or(RouterError::VaultUnavailable)
    }
}

fn decode(response: ResolveResponse) -> Option<DryRun> {
    let fallbacks = decode_fallbacks(response.fallbacks);
    let refusal = match response.refusal {
        // The refusal of a call has the fallbacks with it; that of a dry run stands beside them.
        Some(message) => Some(VaultRefusal {
            fallbacks: fallbacks.clone(),
            ..status::dry_run_refusal(message)?
        }),
        None => None,
    };
    let mut candidates = Vec::with_capacity(response.candidates.len());
    for candidate in response.candidates {
        // A vault of a later release may know more providers; this router can't call them.
        if let Ok(provider) = candidate.provider.parse() {
            candidates.push(decode_candidate(candidate, provider)?);
        }
    }
    Some(DryRun {
        candidates,
        refusal,
        fallbacks,
    })
}

fn decode_candidate(candidate: v1::Candidate, provider: ProviderId) -> Option<Candidate> {
    Some(Candidate {
        key_version: candidate.key_version.parse().ok()?,
        key_version_uid: candidate.key_version_uid.parse().ok()?,
        payer: decode_payer(candidate.payer())?,
        provider,
        material_tail: candidate.material_tail,
        model: ModelId::parse_optional(&candidate.model).ok()?,
        location: candidate.location,
        platform_fallback_allowed: candidate.platform_fallback_allowed,
        step: candidate.step,
        weight: candidate.weight,
        rule: candidate.rule,
        detail: candidate.detail,
    })
}
