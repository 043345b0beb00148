//! `GetProvider`.

use latchkey_contract::names::ProviderName;
use latchkey_contract::vault::v1::{GetProviderRequest, Provider as Message};

use super::{availability, messages};
use crate::availability::AvailabilityRows;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: GetProviderRequest,
) -> Result<Message, VaultError> {
    call.authorize_deployment()?;
    let name: ProviderName = request.name.parse().map_err(VaultError::name("name"))?;
    let provider = availability::provider("name", &name.provider)?;
    let platform = vault.workspace(None).await?;
    let rows = AvailabilityRows::read(&vault.store, &platform, None, Some(provider)).await?;
    Ok(messages::provider(provider, &rows))
}
