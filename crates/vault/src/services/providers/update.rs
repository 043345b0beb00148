//! `UpdateProvider`.

use latchkey_contract::names::{KeyParent, ProviderName};
use latchkey_contract::vault::v1::{UpdateProviderRequest, UpdateProviderResponse};

use super::{availability, messages, switched};
use crate::availability::AvailabilityRows;
use crate::change::{Change, check_etag};
use crate::domain::availability::ProviderAccess;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateProviderRequest,
) -> Result<UpdateProviderResponse, VaultError> {
    call.authorize_deployment()?;
    let wanted = request.provider.unwrap_or_default();
    let name: ProviderName = wanted
        .name
        .parse()
        .map_err(VaultError::name("provider.name"))?;
    let provider = availability::provider("provider.name", &name.provider)?;
    let mask = availability::mask(request.update_mask)?;
    let terms = availability::decode("provider.access", wanted.access.unwrap_or_default())?;

    let mut change = Change::begin(vault, &KeyParent::Platform, call.act()).await?;
    let mut rows =
        AvailabilityRows::read(&change.unit, &change.open(), None, Some(provider)).await?;
    let before = rows.of_everybody(provider);
    let row = rows.everybody.remove(&provider);
    let revision = messages::revision(row.as_ref());
    check_etag(&wanted.etag, revision)?;
    let current = row.map(|row| row.terms).unwrap_or_default();
    let (terms, changed) = availability::merge(current, terms, &mask);
    let row = ProviderAccess {
        workspace: change.head.uid,
        provider,
        terms,
        row_revision: revision + 1,
        update_time: change.now,
    };
    change.put_provider_access(row.clone()).await?;
    rows.everybody.insert(provider, row);

    let after = rows.of_everybody(provider);
    let moved = if before.own_keys == after.own_keys {
        0
    } else {
        switched::record(vault, &mut change, provider, after.own_keys).await?
    };
    let mut event = change.event(&name).with("moved_workspace_count", moved);
    for (path, value) in changed {
        event = event.with(path, value);
    }
    change.record(event).await?;
    let answer = messages::provider(provider, &rows);
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(UpdateProviderResponse {
        provider: Some(answer),
        propagation: Some(encode::propagation(propagation)),
        moved_workspace_count: encode::signed(moved),
    })
}
