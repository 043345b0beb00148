//! `UpdateProviderOverride`.

use latchkey_contract::names::ProviderOverrideName;
use latchkey_contract::vault::v1::{UpdateProviderOverrideRequest, UpdateProviderOverrideResponse};

use super::overriding::Overriding;
use super::{availability, messages};
use crate::change::check_etag;
use crate::domain::availability::ProviderAccess;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateProviderOverrideRequest,
) -> Result<UpdateProviderOverrideResponse, VaultError> {
    call.authorize_deployment()?;
    let wanted = request.provider_override.unwrap_or_default();
    let name: ProviderOverrideName = wanted
        .name
        .parse()
        .map_err(VaultError::name("provider_override.name"))?;
    let provider = availability::provider("provider_override.name", &name.provider)?;
    let mask = availability::mask(request.update_mask)?;
    let path = "provider_override.access";
    let terms = wanted
        .access
        .ok_or_else(|| VaultError::field(path, "is required"))?;
    let terms = availability::decode(path, terms)?;

    let mut overriding = Overriding::begin(vault, call, &name, provider).await?;
    let revision = messages::revision(overriding.row());
    check_etag(&wanted.etag, revision)?;
    let current = overriding.row().map(|row| row.terms.clone());
    let (terms, changed) = availability::merge(current.unwrap_or_default(), terms, &mask);
    let row = ProviderAccess {
        workspace: overriding.change.head.uid,
        provider,
        terms,
        row_revision: revision + 1,
        update_time: overriding.change.now,
    };
    overriding.change.put_provider_access(row.clone()).await?;
    overriding.rows.overrides.insert(provider, row.clone());
    let answer = messages::provider_override(&name.workspace, &row, &overriding.rows);
    let committed = overriding.finish(changed).await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(UpdateProviderOverrideResponse {
        provider_override: Some(answer),
        propagation: Some(encode::propagation(propagation)),
    })
}
