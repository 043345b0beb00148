//! The dry run of `Resolve`: what would be chosen, as data.

use latchkey_contract::ExclusionRule;
use latchkey_contract::vault::v1;

use super::candidates;
use super::resolve::Question;
use crate::domain::funding::UnavailableReason;
use crate::domain::resolution::{Candidate, CandidateReport, Payer, Terms, dry_run};
use crate::error::VaultError;
use crate::services::{encode, status};
use crate::vault::Vault;

/// What a request would meet. Opens no material.
pub(super) async fn answer(
    vault: &Vault,
    question: &Question,
    terms: &Terms,
    candidates: Vec<Candidate>,
) -> Result<(Vec<v1::Candidate>, Option<v1::Refusal>), VaultError> {
    let dry_run = dry_run(candidates, terms, &question.query, vault.now());
    let mut told = Vec::with_capacity(dry_run.candidates.len());
    for reports in dry_run.candidates {
        told.push(candidate(vault, question, reports).await?);
    }
    let refusal = dry_run.refusal.map(|refusal| {
        let fallbacks = question.parent.open.workspace.fallbacks.clone();
        let error = VaultError::Resolution { refusal, fallbacks };
        let (reason, message, mut metadata) = status::refusal(&error).into_data();
        metadata.remove(status::FALLBACKS);
        v1::Refusal {
            reason: reason.to_string(),
            message,
            metadata: metadata.into_iter().collect(),
        }
    });
    Ok((told, refusal))
}

async fn candidate(
    vault: &Vault,
    question: &Question,
    reports: CandidateReport,
) -> Result<v1::Candidate, VaultError> {
    let CandidateReport {
        candidate,
        step,
        weight,
        rule,
        model,
    } = reports;
    let version = candidates::version(vault, question, &candidate).await?;
    let funding = &candidate.key.settings.funding;
    Ok(v1::Candidate {
        key: candidate.name.to_string(),
        key_version: candidates::version_name(&candidate).to_string(),
        material_tail: version.material_tail.clone(),
        provider: candidate.key.provider.to_string(),
        payer: encode::payer(Payer::of(&candidate.name)).into(),
        model,
        location: version.destination.location().to_owned(),
        step: i32::try_from(step).unwrap_or(i32::MAX),
        weight: i32::try_from(weight).unwrap_or(i32::MAX),
        rule: rule.map_or("", ExclusionRule::as_str).to_owned(),
        platform_fallback_allowed: funding.lets_the_platform_stand_in(UnavailableReason::Failed),
        detail: candidate.key.state_detail,
    })
}
