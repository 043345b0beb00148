//! `KeyService`, one file per method.

mod add_version;
mod create;
mod delete;
mod disable;
mod draft;
mod enable;
mod get;
pub(super) mod initial;
mod intake;
mod list;
mod settings;
mod update;
mod verify;

use std::sync::Arc;

use latchkey_contract::names::{KeyName, KeyParent, ProjectName, Scope, WorkspaceName};
use latchkey_contract::vault::v1::key_service_server::KeyService;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, AddKeyVersionResponse, CreateKeyRequest, DeleteKeyRequest,
    DeleteKeyResponse, DisableKeyRequest, DisableKeyResponse, EnableKeyRequest, GetKeyRequest,
    Key as KeyMessage, ListKeysRequest, ListKeysResponse, UpdateKeyRequest,
    Verification as VerificationMessage, VerifyKeyRequest,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::change::Change;
use crate::custody::CustodyError;
use crate::error::VaultError;
use crate::store;
use crate::vault::Vault;

/// Keeps provider keys and governs their life cycle.
pub(super) struct Keys(pub(super) Arc<Vault>);

#[async_trait]
impl KeyService for Keys {
    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<KeyMessage>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = format!("{}/keys/{}", request.parent, request.key_id);
        let outcome = create::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<KeyMessage>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = get::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = list::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn update_key(
        &self,
        request: Request<UpdateKeyRequest>,
    ) -> Result<Response<KeyMessage>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.key.clone().unwrap_or_default().name;
        let outcome = update::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn delete_key(
        &self,
        request: Request<DeleteKeyRequest>,
    ) -> Result<Response<DeleteKeyResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = delete::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn enable_key(
        &self,
        request: Request<EnableKeyRequest>,
    ) -> Result<Response<KeyMessage>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = enable::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn disable_key(
        &self,
        request: Request<DisableKeyRequest>,
    ) -> Result<Response<DisableKeyResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = disable::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn add_key_version(
        &self,
        request: Request<AddKeyVersionRequest>,
    ) -> Result<Response<AddKeyVersionResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = add_version::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn verify_key(
        &self,
        request: Request<VerifyKeyRequest>,
    ) -> Result<Response<VerificationMessage>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = verify::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }
}

/// Shreds every key in a workspace, or in one of its projects.
pub(super) async fn delete_all(
    change: &mut Change,
    workspace: &WorkspaceName,
    within: store::keys::Parent,
) -> Result<(), VaultError> {
    for stamped in store::keys::all_within(&change.unit, within).await? {
        let key = change.keys.check(stamped)?;
        let Some(slug) = key.slug.clone() else {
            continue;
        };
        let parent = match key.project {
            None => KeyParent::Scope(Scope::Workspace(workspace.clone())),
            Some(project) => {
                let found = store::projects::find_by_uid(&change.unit, project).await?;
                let project = change.keys.check(found.ok_or(CustodyError::Integrity)?)?;
                let project = project.slug.ok_or(CustodyError::Integrity)?;
                let workspace = workspace.clone();
                KeyParent::Scope(Scope::Project(ProjectName { workspace, project }))
            }
        };
        delete::shred(change, &KeyName { parent, key: slug }, key).await?;
    }
    Ok(())
}
