//! The dry run of a query. It opens no material and leases nothing.

use super::candidates::{candidates, current_version};
use super::query::ScopedQuery;
use crate::domain::audit::Act;
use crate::domain::resolution::{self, CandidateReport, ResolutionRefusal};
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::rows::read_again;
use crate::vault::Vault;

/// The outcome of a dry run.
pub(crate) struct DryRun {
    /// Every candidate with its current version: those that would be tried first, in that order.
    pub candidates: Vec<(CandidateReport, KeyVersion)>,
    /// The refusal, where no candidate would be tried.
    pub refusal: Option<ResolutionRefusal>,
}

/// Simulates the choices of a query.
pub(crate) async fn dry_run(
    vault: &Vault,
    act: &Act,
    query: &ScopedQuery,
) -> Result<DryRun, VaultError> {
    read_again(|| simulate(vault, act, query)).await
}

async fn simulate(vault: &Vault, act: &Act, query: &ScopedQuery) -> Result<DryRun, VaultError> {
    let (policies, candidates) =
        tokio::try_join!(query.policies(vault), candidates(vault, act, query))?;
    let resolution::DryRun {
        candidates: reports,
        refusal,
    } = resolution::dry_run(candidates, &policies, &query.query, vault.now());
    let mut candidates = Vec::with_capacity(reports.len());
    for report in reports {
        let version = current_version(vault, query, &report.candidate).await?;
        candidates.push((report, version));
    }
    Ok(DryRun {
        candidates,
        refusal,
    })
}
