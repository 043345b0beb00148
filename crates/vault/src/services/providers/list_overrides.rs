//! `ListProviderOverrides`.

use latchkey_contract::names::WorkspaceName;
use latchkey_contract::vault::v1::{ListProviderOverridesRequest, ListProviderOverridesResponse};

use super::messages;
use crate::availability::AvailabilityRows;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListProviderOverridesRequest,
) -> Result<ListProviderOverridesResponse, VaultError> {
    call.authorize_deployment()?;
    let name: WorkspaceName = request.parent.parse().map_err(VaultError::name("parent"))?;
    let page = call.page(request.page_size, &request.page_token, &[&request.parent])?;
    let open = vault.workspace(Some(&name)).await?;
    let platform = vault.workspace(None).await?;
    let rows = AvailabilityRows::read(&vault.store, &platform, Some(&open), None).await?;
    // Overrides are no more than providers, and sorted by their ids.
    let after = page.after.as_deref().unwrap_or_default();
    let mut listed: Vec<_> = rows
        .overrides
        .values()
        .filter(|row| row.provider.as_str() > after)
        .collect();
    let next_page_token = page.finish(&mut listed, |row| row.provider.to_string());
    let provider_overrides = listed.into_iter();
    Ok(ListProviderOverridesResponse {
        provider_overrides: provider_overrides
            .map(|row| messages::provider_override(&name, row, &rows))
            .collect(),
        next_page_token,
    })
}
