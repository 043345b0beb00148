//! `LeaseDataKey`.

use latchkey_contract::names::DataKeyName;
use latchkey_contract::vault::v1::{DataKey as Message, LeaseDataKeyRequest};

use super::{message, uid};
use crate::error::{Noun, VaultError};
use crate::services::call::Call;
use crate::services::leases::{resolve, session_id};
use crate::store::data_keys;
use crate::vault::Vault;

pub(in crate::services::leases) async fn handle(
    vault: &Vault,
    call: &Call,
    request: LeaseDataKeyRequest,
) -> Result<Message, VaultError> {
    call.authorize_deployment()?;
    let session = session_id(&request.router_session)?;
    let session = vault.leasing.session(session, call.actor())?;
    let name: DataKeyName = request.name.parse().map_err(VaultError::name("name"))?;
    let open = vault.workspace(Some(&name.workspace)).await?;
    // Registered before the key is read: a deletion of the workspace either took it already or is told
    // to the session.
    resolve::depend_on(&session, &open);
    let found = data_keys::find(&vault.store, open.workspace.uid, uid(&name)).await?;
    let key = open
        .keys
        .check(found.ok_or(VaultError::NotFound(Noun::DataKey))?)?;
    let material = open.keys.open_data_key(&key)?;
    Ok(message(request.name, &material))
}
