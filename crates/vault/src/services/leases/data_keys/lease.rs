//! `LeaseDataKey`.

use latchkey_contract::names::DataKeyName;
use latchkey_contract::vault::v1::{DataKey as Message, LeaseDataKeyRequest};

use super::{message, uid};
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::leases::session_id;
use crate::vault::Vault;

pub(in crate::services::leases) async fn handle(
    vault: &Vault,
    call: &Call,
    request: LeaseDataKeyRequest,
) -> Result<Message, VaultError> {
    call.authorize_deployment()?;
    let session_id = session_id(&request.router_session)?;
    let session = vault.leasing.session(session_id, call.actor())?;
    let name: DataKeyName = request.name.parse().map_err(VaultError::name("name"))?;
    let open = vault.workspace(Some(&name.workspace)).await?;
    // Registered before the key is read: a deletion of the workspace either deleted the key already or
    // is sent to the session.
    open.register_with(&session);
    let key = open.rows(&vault.store).data_key(uid(&name)).await?;
    let material = open.keys.open_data_key(&key)?;
    Ok(message(request.name, open.workspace.uid, &material))
}
