//! `CreateDataKey`.

use latchkey_contract::names::{KeyParent, Scope, WorkspaceName};
use latchkey_contract::vault::v1::{CreateDataKeyRequest, DataKey as Message};

use super::message;
use crate::change::Change;
use crate::domain::data_key::DataKey;
use crate::domain::uid::{DataKeyUid, random_uuid};
use crate::error::VaultError;
use crate::services::call::Call;
use crate::services::leases::session_id;
use crate::vault::Vault;

pub(in crate::services::leases) async fn handle(
    vault: &Vault,
    call: &Call,
    request: CreateDataKeyRequest,
) -> Result<Message, VaultError> {
    call.authorize_deployment()?;
    let session_id = session_id(&request.router_session)?;
    let session = vault.leasing.session(session_id, call.actor())?;
    let name: WorkspaceName = request
        .workspace
        .parse()
        .map_err(VaultError::name("workspace"))?;
    let parent = KeyParent::Scope(Scope::Workspace(name.clone()));
    let mut change = Change::begin(vault, &parent, call.act()).await?;
    // The router depends on the workspace from here on, and is sent its deletion. The head is locked,
    // so no change comes between.
    change.open().register_with(&session);
    let rng = vault.custody.rng();
    let uid = DataKeyUid(random_uuid(rng)?);
    let (material, sealed) = change.keys.make_data_key(rng, uid)?;
    let key = DataKey {
        uid,
        workspace: change.head.uid,
        wrapped_by: sealed.wrapped_by,
        wrapped_data_key: sealed.wrapped_data_key,
        payload: sealed.payload,
        create_time: change.now,
    };
    change.add_data_key(key).await?;
    let workspace = change.head.uid;
    let name = format!("{name}/dataKeys/{uid}");
    change.record(change.event(&name)).await?;
    // No choice of a key depends on a data key.
    change.commit_unnumbered().await?;
    Ok(message(name, workspace, &material))
}
