//! `UpdateKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{Key as Message, UpdateKeyRequest};
use latchkey_rpc::mask::Mask;

use super::settings;
use crate::change::Change;
use crate::domain::destination::Destination;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: UpdateKeyRequest,
) -> Result<Message, VaultError> {
    let wanted = request.key.unwrap_or_default();
    let name: KeyName = wanted.name.parse().map_err(VaultError::name("key.name"))?;
    call.authorize_parent(&name.parent).await?;
    let paths = request.update_mask.iter().flat_map(|mask| &mask.paths);
    let moves = |path: &String| settings::WITH_MATERIAL.contains(&path.as_str());
    if paths.into_iter().any(moves) {
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
    let version = change.current_version(&key).await?;
    check_destination(&wanted, &version.destination)?;
    if !wanted.provider.is_empty() && wanted.provider != key.provider.as_str() {
        return Err(VaultError::field(
            "key.provider",
            "is fixed: create another key",
        ));
    }
    let (merged, changed) = settings::merge(key.settings.clone(), new, &mask);
    merged.check_use(key.provider)?;
    merged.check_parent(&name.parent)?;
    let key = key.change(merged.checked()?, change.now)?;
    let answer = encode::key(&name, &key, &version, change.now);
    let event = change.event(&name).with("changed", changed.join(","));
    change.put_key(key).await?;
    change.record(event).await?;
    let committed = change.commit().await?;
    vault.leasing.propagate(committed).await;
    Ok(answer)
}

/// Refuses a destination that differs from the current one. The current one may be sent back.
fn check_destination(wanted: &Message, current: &Destination) -> Result<(), VaultError> {
    for (field, wanted, current) in [
        ("key.base_url", &wanted.base_url, current.base_url()),
        ("key.location", &wanted.location, current.location()),
        (
            "key.cloud_project",
            &wanted.cloud_project,
            current.cloud_project(),
        ),
        (
            "key.api_version",
            &wanted.api_version,
            current.api_version(),
        ),
    ] {
        if !wanted.is_empty() && wanted != current {
            return Err(VaultError::MaterialRequired { field });
        }
    }
    Ok(())
}
