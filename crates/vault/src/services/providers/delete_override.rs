//! `DeleteProviderOverride`.

use latchkey_contract::names::ProviderOverrideName;
use latchkey_contract::vault::v1::{DeleteProviderOverrideRequest, DeleteProviderOverrideResponse};

use super::availability;
use super::overriding::Overriding;
use crate::change::check_etag;
use crate::error::{Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DeleteProviderOverrideRequest,
) -> Result<DeleteProviderOverrideResponse, VaultError> {
    call.authorize_deployment()?;
    let name: ProviderOverrideName = request.name.parse().map_err(VaultError::name("name"))?;
    let provider = availability::provider("name", &name.provider)?;
    let mut overriding = Overriding::begin(vault, call, &name, provider).await?;
    let row = overriding
        .rows
        .overrides
        .remove(&provider)
        .ok_or(VaultError::NotFound(Noun::ProviderOverride))?;
    check_etag(&request.etag, row.row_revision)?;
    overriding.change.delete_provider_access(provider).await?;
    let committed = overriding.finish(Vec::new()).await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DeleteProviderOverrideResponse {
        propagation: Some(encode::propagation(propagation)),
    })
}
