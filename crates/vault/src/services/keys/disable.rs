//! `DisableKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{DisableKeyRequest, DisableKeyResponse};

use crate::change::Change;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DisableKeyRequest,
) -> Result<DisableKeyResponse, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let key = change
        .key(&name, &request.etag)
        .await?
        .disable(change.now)?;
    let version = change.current_version(&key).await?;
    let answer = encode::key(&name, &key, &version, change.now);
    change.put_key(key).await?;
    change
        .record(change.event(&name).with("version", version.version))
        .await?;
    change.revoke(version.uid());
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DisableKeyResponse {
        key: Some(answer),
        propagation: Some(encode::propagation(propagation)),
    })
}
