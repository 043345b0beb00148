//! `ListProviders`.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{ListProvidersRequest, ListProvidersResponse};

use super::messages;
use crate::availability::AvailabilityRows;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: ListProvidersRequest,
) -> Result<ListProvidersResponse, VaultError> {
    call.authorize_deployment()?;
    let page = call.page(request.page_size, &request.page_token, &[])?;
    let platform = vault.workspace(None).await?;
    let rows = AvailabilityRows::read(&vault.store, &platform, None, None).await?;
    // Providers are few and sorted by their ids.
    let after = page.after.as_deref().unwrap_or_default();
    let mut listed: Vec<_> = ProviderId::ALL
        .into_iter()
        .filter(|provider| provider.as_str() > after)
        .collect();
    let next_page_token = page.finish(&mut listed, ToString::to_string);
    let providers = listed.into_iter();
    Ok(ListProvidersResponse {
        providers: providers
            .map(|provider| messages::provider(provider, &rows))
            .collect(),
        next_page_token,
    })
}
