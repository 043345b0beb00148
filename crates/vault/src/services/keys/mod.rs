//! `KeyService`, one file per method.

mod add_version;
mod create;
pub(super) mod decode;
pub(super) mod delete;
mod disable;
mod enable;
mod get;
mod list;
mod settings;
mod update;
mod verify;

use std::sync::Arc;

use latchkey_contract::vault::v1::key_service_server::KeyService;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, AddKeyVersionResponse, CreateKeyRequest, DeleteKeyRequest,
    DeleteKeyResponse, DisableKeyRequest, DisableKeyResponse, EnableKeyRequest, GetKeyRequest,
    Key as KeyMessage, ListKeysRequest, ListKeysResponse, UpdateKeyRequest,
    Verification as VerificationMessage, VerifyKeyRequest,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::vault::Vault;

/// Manages provider keys through their life cycle.
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
