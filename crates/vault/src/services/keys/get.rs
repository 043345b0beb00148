//! `GetKey`.

use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{GetKeyRequest, Key as Message};

use crate::error::VaultError;
use crate::rows::read_again;
use crate::services::call::Call;
use crate::services::encode;
use crate::vault::Vault;

pub(super) async fn handle(
    vault: &Vault,
    call: &Call,
    request: GetKeyRequest,
) -> Result<Message, VaultError> {
    let name: KeyName = request.name.parse().map_err(VaultError::name("name"))?;
    call.authorize_parent(&name.parent).await?;
    let parent = vault.parent(&name.parent).await?;
    let rows = parent.open.rows(&vault.store);
    let read = read_again(|| async {
        let key = rows.key(parent.ids(), &name.key).await?;
        let version = rows.current_version(&key).await?;
        Ok((key, version))
    });
    let (key, version) = read.await?;
    Ok(encode::key(&name, &key, &version, vault.now()))
}
