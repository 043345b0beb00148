//! What the vault would choose for a query, without leasing anything.

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyVersionName;
use latchkey_contract::vault::v1::{self, ResolveRequest, ResolveResponse};

use super::{KeyQuery, Keys, VAULT_TIMEOUT, VaultRefusal, lease, read_fallback, refusal};
use crate::domain::attempt::Payer;
use crate::domain::fallback::Fallback;
use crate::error::RouterError;

/// The keys that come into question for a query.
pub struct DryRun {
    /// First those that would be tried, in that order.
    pub candidates: Vec<Candidate>,
    /// Why none would be.
    pub refusal: Option<VaultRefusal>,
    /// The workspace's own list of fallbacks.
    pub fallbacks: Vec<Fallback>,
}

/// A key that comes into question.
pub struct Candidate {
    /// The version that would be leased.
    pub key_version: KeyVersionName,
    /// The last four characters.
    pub material_tail: String,
    /// Whose key it is.
    pub provider: ProviderId,
    /// Who would pay.
    pub payer: Payer,
    /// The model that would be asked for; empty when nobody names one.
    pub model: String,
    /// Where its provider serves it.
    pub location: String,
    /// Whether its own policy lets the platform's keys follow when a call with it fails.
    pub platform_fallback_allowed: bool,
    /// When it would be tried, from 1; 0 for never.
    pub step: i32,
    /// Its share among the keys of its step.
    pub weight: i32,
    /// The vault's rule that excludes it; empty when it would be tried.
    pub rule: String,
    /// The provider's words where it was refused.
    pub detail: String,
}

impl Keys {
    /// Asks what would be chosen now. Nothing is kept of it.
    pub async fn dry_run(&self, query: &KeyQuery) -> Result<DryRun, RouterError> {
        let session = self.session().ok_or(RouterError::VaultUnavailable)?;
        let request = ResolveRequest {
            dry_run: true,
            ..query.question(&session.id)
        };
        let answer = tokio::time::timeout(VAULT_TIMEOUT, self.ask(request)).await;
        read(answer.unwrap_or(Err(RouterError::VaultUnavailable))?)
    }
}

fn read(answer: ResolveResponse) -> Result<DryRun, RouterError> {
    let refusal = match answer.refusal {
        Some(said) => Some(refusal::read_data(said).ok_or(RouterError::VaultUnavailable)?),
        None => None,
    };
    let mut candidates = Vec::with_capacity(answer.candidates.len());
    for candidate in answer.candidates {
        // A vault of a later release may know more providers; their keys are of no use here.
        if let Ok(provider) = candidate.provider.parse() {
            let read = read_candidate(candidate, provider);
            candidates.push(read.ok_or(RouterError::VaultUnavailable)?);
        }
    }
    Ok(DryRun {
        candidates,
        refusal,
        fallbacks: answer.fallbacks.into_iter().map(read_fallback).collect(),
    })
}

fn read_candidate(candidate: v1::Candidate, provider: ProviderId) -> Option<Candidate> {
    Some(Candidate {
        key_version: candidate.key_version.parse().ok()?,
        payer: lease::read_payer(candidate.payer())?,
        provider,
        material_tail: candidate.material_tail,
        model: candidate.model,
        location: candidate.location,
        platform_fallback_allowed: candidate.platform_fallback_allowed,
        step: candidate.step,
        weight: candidate.weight,
        rule: candidate.rule,
        detail: candidate.detail,
    })
}
