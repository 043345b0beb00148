//! `LeaseService`, one file per method.

mod data_keys;
mod dry_run;
mod list;
mod look_up_member;
mod look_up_scope;
mod open_router_session;
mod query;
mod release;
mod resolve;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use latchkey_boot::drain::Drain;
use latchkey_contract::vault::v1::lease_service_server::LeaseService;
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    LeaseDataKeyRequest, ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest,
    LookUpMemberResponse, LookUpScopeRequest, LookUpScopeResponse, OpenRouterSessionRequest,
    OpenRouterSessionResponse, ReleaseLeaseRequest, ReleaseLeaseResponse, ResolveRequest,
    ResolveResponse,
};
use tonic::{Request, Response, Status, Streaming, async_trait};
use uuid::Uuid;

use super::call::Call;
use crate::error::VaultError;
use crate::leasing::RouterSessionId;
use crate::vault::Vault;

/// Leases keys to routers.
pub(super) struct Leases {
    pub(super) vault: Arc<Vault>,
    pub(super) drain: Drain,
}

#[async_trait]
impl LeaseService for Leases {
    type OpenRouterSessionStream =
        Pin<Box<dyn Stream<Item = Result<OpenRouterSessionResponse, Status>> + Send>>;

    async fn resolve(
        &self,
        request: Request<ResolveRequest>,
    ) -> Result<Response<ResolveResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = resolve::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = release::handle(&self.vault, &call, &request);
        call.answer(&self.vault, "leases", outcome).await
    }

    async fn open_router_session(
        &self,
        request: Request<Streaming<OpenRouterSessionRequest>>,
    ) -> Result<Response<Self::OpenRouterSessionStream>, Status> {
        let (call, stream) = Call::split(request)?;
        let outcome = open_router_session::handle(&self.vault, &self.drain, &call, stream).await;
        call.answer(&self.vault, "sessions", outcome).await
    }

    async fn look_up_member(
        &self,
        request: Request<LookUpMemberRequest>,
    ) -> Result<Response<LookUpMemberResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.workspace.clone();
        let outcome = look_up_member::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn look_up_scope(
        &self,
        request: Request<LookUpScopeRequest>,
    ) -> Result<Response<LookUpScopeResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.scope.clone();
        let outcome = look_up_scope::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn create_data_key(
        &self,
        request: Request<CreateDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.workspace.clone();
        let outcome = data_keys::create::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn lease_data_key(
        &self,
        request: Request<LeaseDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = data_keys::lease::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn destroy_data_key(
        &self,
        request: Request<DestroyDataKeyRequest>,
    ) -> Result<Response<DestroyDataKeyResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = data_keys::destroy::handle(&self.vault, &call, request).await;
        call.answer(&self.vault, &resource, outcome).await
    }

    async fn list_leases(
        &self,
        request: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list::handle(&self.vault, &call, &request);
        call.answer(&self.vault, "leases", outcome).await
    }
}

fn session_id(text: &str) -> Result<RouterSessionId, VaultError> {
    let parsed = Uuid::try_parse(text);
    parsed
        .map(RouterSessionId)
        .map_err(|_| VaultError::field("router_session", "is not the id of a router session"))
}
