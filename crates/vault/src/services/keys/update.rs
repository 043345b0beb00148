//! `UpdateKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{Key as Message, UpdateKeyRequest};

use super::{current_version, settings};
use crate::change::Change;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::mask::Mask;
use crate::store;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateKeyRequest,
) -> Result<Message, VaultError> {
    let wanted = request.key.unwrap_or_default();
    let name: KeyName = wanted.name.parse().map_err(VaultError::name("key.name"))?;
    call.authorize_parent(&name.parent)?;
    let paths = request.update_mask.iter().flat_map(|mask| &mask.paths);
    if paths.into_iter().any(|path| path == "base_url") {
        return Err(VaultError::MaterialRequired {
            field: "update_mask",
        });
    }
    let mask = Mask::parse(
        request.update_mask,
        settings::CHANGEABLE,
        settings::FORBIDDEN,
    )?;
    let new = settings::decode(&wanted)?;

    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let key = change.key(&name, &wanted.etag).await?;
    let version = current_version(&change, &key).await?;
    if !wanted.base_url.is_empty() && wanted.base_url != version.destination.as_str() {
        return Err(VaultError::MaterialRequired {
            field: "key.base_url",
        });
    }
    if !wanted.provider.is_empty() && wanted.provider != key.provider.as_str() {
        return Err(VaultError::field(
            "key.provider",
            "is fixed: create another key",
        ));
    }
    let (merged, changed) = settings::merge(key.settings.clone(), new, &mask);
    let key = key.change(merged.checked()?, change.now)?;
    let answer = encode::key(&name, &key, &version, change.now);
    let event = change.event(&name).with("changed", changed.join(","));
    store::keys::update(&change.unit, change.keys.stamp(key)).await?;
    change.record(event).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}
