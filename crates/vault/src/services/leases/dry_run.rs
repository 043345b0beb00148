//! The dry run of `Resolve`, as messages.

use latchkey_contract::ExclusionRule;
use latchkey_contract::FALLBACKS_METADATA;
use latchkey_contract::vault::v1;
use latchkey_contract::vault::v1::ResolveResponse;

use crate::domain::fallback::Fallback;
use crate::domain::funding::UnavailableReason;
use crate::domain::resolution::{CandidateReport, Payer, ResolutionRefusal};
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::resolve::{ScopedQuery, dry_run};
use crate::services::call::Call;
use crate::services::{encode, status};
use crate::vault::Vault;

/// Completes a response with the candidates, and with the refusal where no key could be used.
pub(super) async fn complete(
    vault: &Vault,
    call: &Call,
    query: &ScopedQuery,
    response: ResolveResponse,
) -> Result<ResolveResponse, VaultError> {
    let dry_run = dry_run(vault, &call.act(), query).await?;
    let fallbacks = &query.parent.open.workspace.fallbacks;
    Ok(ResolveResponse {
        candidates: dry_run.candidates.into_iter().map(candidate).collect(),
        refusal: dry_run
            .refusal
            .map(|resolution| refusal(resolution, fallbacks.clone())),
        ..response
    })
}

fn candidate((report, version): (CandidateReport, KeyVersion)) -> v1::Candidate {
    let CandidateReport {
        candidate,
        step,
        weight,
        rule,
        model,
    } = report;
    let funding = &candidate.key.settings.funding;
    v1::Candidate {
        key: candidate.name.to_string(),
        key_version: candidate.version_name().to_string(),
        key_version_uid: candidate.key.current_version_uid().to_string(),
        material_tail: version.material_tail.clone(),
        provider: candidate.key.provider.to_string(),
        payer: encode::payer(Payer::of(&candidate.name)).into(),
        model,
        location: version.destination.location().to_owned(),
        step: i32::try_from(step).unwrap_or(i32::MAX),
        weight: i32::try_from(weight).unwrap_or(i32::MAX),
        rule: rule.map_or("", ExclusionRule::as_str).to_owned(),
        platform_fallback_allowed: funding.allows_platform_fallback(UnavailableReason::Failed),
        detail: candidate.key.state_detail,
    }
}

fn refusal(refusal: ResolutionRefusal, fallbacks: Vec<Fallback>) -> v1::Refusal {
    let error = VaultError::Resolution { refusal, fallbacks };
    let (reason, message, mut metadata) = status::refusal(&error).into_data();
    metadata.remove(FALLBACKS_METADATA);
    v1::Refusal {
        reason: reason.to_string(),
        message,
        metadata: metadata.into_iter().collect(),
    }
}
