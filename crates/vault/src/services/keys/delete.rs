//! `DeleteKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{DeleteKeyRequest, DeleteKeyResponse};

use crate::change::Change;
use crate::custody::IntegrityFailure;
use crate::domain::key::Key;
use crate::domain::version::KeyVersion;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::encode;
use crate::store::keys::Parent;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DeleteKeyRequest,
) -> Result<DeleteKeyResponse, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let mut change = Change::begin(vault, &name.parent, call.act()).await?;
    let key = change.key(&name, &request.etag).await?;
    let (key, version) = shred(&mut change, &name, key).await?;
    let answer = encode::key(&name, &key, &version, change.now);
    let committed = change.commit().await?;
    let propagation = vault.leasing.propagate(committed).await;
    Ok(DeleteKeyResponse {
        key: Some(answer),
        propagation: Some(encode::propagation(propagation)),
    })
}

/// Shreds every key of a workspace, or of one of its projects.
pub(in crate::services) async fn shred_all(
    change: &mut Change,
    within: Parent,
) -> Result<(), VaultError> {
    for key in change.rows().keys_within(within).await? {
        if key.slug.is_none() {
            continue;
        }
        let name = change
            .rows()
            .key_name(&key)
            .await?
            .ok_or_else(|| IntegrityFailure::of(&key))?;
        shred(change, &name, key).await?;
    }
    Ok(())
}

/// Turns a key into a tombstone and empties its ciphertexts.
async fn shred(
    change: &mut Change,
    name: &KeyName,
    key: Key,
) -> Result<(Key, KeyVersion), VaultError> {
    let version = change.current_version(&key).await?.destroy(change.now);
    let key = key.delete(change.now)?;
    change.put_version(version.clone()).await?;
    change.put_key(key.clone()).await?;
    change
        .record(change.event(name).with("version", version.version))
        .await?;
    change.revoke(version.uid());
    Ok((key, version))
}
