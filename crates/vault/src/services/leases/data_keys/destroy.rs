//! `DestroyDataKey`.

use latchkey_contract::names::{DataKeyName, KeyParent, Scope};
use latchkey_contract::vault::v1::{DestroyDataKeyRequest, DestroyDataKeyResponse};

use super::uid;
use crate::change::Change;
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::leases::session_id;
use crate::vault::Vault;

pub(in crate::services::leases) async fn handle(
    vault: &Vault,
    call: &Call,
    request: DestroyDataKeyRequest,
) -> Result<DestroyDataKeyResponse, VaultError> {
    call.authorize_deployment()?;
    vault
        .leasing
        .session(session_id(&request.router_session)?, call.actor())?;
    let name: DataKeyName = request.name.parse().map_err(VaultError::name("name"))?;
    let parent = KeyParent::Scope(Scope::Workspace(name.workspace.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    // Deleted unread, so that a damaged key goes too. A missing key is destroyed already.
    if change.delete_data_key(uid(&name)).await? {
        change.record(change.event(&name)).await?;
        change.commit_unnumbered().await?;
    }
    Ok(DestroyDataKeyResponse {})
}
