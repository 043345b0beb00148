//! `ProviderService`, one file per method.

mod availability;
mod delete_override;
mod get;
mod list;
mod list_overrides;
mod messages;
mod overriding;
mod switched;
mod update;
mod update_override;

use std::sync::Arc;

use latchkey_contract::vault::v1::provider_service_server::ProviderService;
use latchkey_contract::vault::v1::{
    DeleteProviderOverrideRequest, DeleteProviderOverrideResponse, GetProviderRequest,
    ListProviderOverridesRequest, ListProviderOverridesResponse, ListProvidersRequest,
    ListProvidersResponse, Provider, UpdateProviderOverrideRequest, UpdateProviderOverrideResponse,
    UpdateProviderRequest, UpdateProviderResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::vault::Vault;

/// Manages what the operator makes available of each provider.
pub(super) struct Providers(pub(super) Arc<Vault>);

#[async_trait]
impl ProviderService for Providers {
    async fn delete_provider_override(
        &self,
        request: Request<DeleteProviderOverrideRequest>,
    ) -> Result<Response<DeleteProviderOverrideResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = delete_override::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn get_provider(
        &self,
        request: Request<GetProviderRequest>,
    ) -> Result<Response<Provider>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.name.clone();
        let outcome = get::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_provider_overrides(
        &self,
        request: Request<ListProviderOverridesRequest>,
    ) -> Result<Response<ListProviderOverridesResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.parent.clone();
        let outcome = list_overrides::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list::handle(&self.0, &call, request).await;
        call.answer(&self.0, "providers", outcome).await
    }

    async fn update_provider(
        &self,
        request: Request<UpdateProviderRequest>,
    ) -> Result<Response<UpdateProviderResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.provider.clone().unwrap_or_default().name;
        let outcome = update::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }

    async fn update_provider_override(
        &self,
        request: Request<UpdateProviderOverrideRequest>,
    ) -> Result<Response<UpdateProviderOverrideResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let resource = request.provider_override.clone().unwrap_or_default().name;
        let outcome = update_override::handle(&self.0, &call, request).await;
        call.answer(&self.0, &resource, outcome).await
    }
}
