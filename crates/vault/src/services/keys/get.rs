//! `GetKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{GetKeyRequest, Key as Message};

use crate::custody::CustodyError;
use crate::error::{Noun, VaultError};
use crate::services::call::Call;
use crate::services::encode;
use crate::store;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: GetKeyRequest,
) -> Result<Message, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let parent = vault.parent(&name.parent).await?;
    let found = store::keys::find(&vault.store, parent.ids(), &name.key).await?;
    let key = parent
        .open
        .keys
        .check(found.ok_or(VaultError::NotFound(Noun::Key))?)?;
    let found = store::versions::find(&vault.store, key.uid, key.current_version).await?;
    // A key without its current version lost a row.
    let version = parent
        .open
        .keys
        .check(found.ok_or(CustodyError::Integrity)?)?;
    Ok(encode::key(&name, &key, &version, vault.now()))
}
