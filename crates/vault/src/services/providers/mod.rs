//! `ProviderService`, one file per method.

use std::sync::Arc;

use latchkey_contract::vault::v1::provider_service_server::ProviderService;
use latchkey_contract::vault::v1::{
    DeleteProviderOverrideRequest, DeleteProviderOverrideResponse, GetProviderRequest,
    ListProviderOverridesRequest, ListProviderOverridesResponse, ListProvidersRequest,
    ListProvidersResponse, Provider, UpdateProviderOverrideRequest, UpdateProviderOverrideResponse,
    UpdateProviderRequest, UpdateProviderResponse,
};
use tonic::{Request, Response, Status, async_trait};

use crate::vault::Vault;

/// Lets the operator decide what of each provider is available.
pub(super) struct Providers(pub(super) Arc<Vault>);

#[async_trait]
impl ProviderService for Providers {
    async fn delete_provider_override(
        &self,
        request: Request<DeleteProviderOverrideRequest>,
    ) -> Result<Response<DeleteProviderOverrideResponse>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }

    async fn get_provider(
        &self,
        request: Request<GetProviderRequest>,
    ) -> Result<Response<Provider>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }

    async fn list_provider_overrides(
        &self,
        request: Request<ListProviderOverridesRequest>,
    ) -> Result<Response<ListProviderOverridesResponse>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }

    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }

    async fn update_provider(
        &self,
        request: Request<UpdateProviderRequest>,
    ) -> Result<Response<UpdateProviderResponse>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }

    async fn update_provider_override(
        &self,
        request: Request<UpdateProviderOverrideRequest>,
    ) -> Result<Response<UpdateProviderOverrideResponse>, Status> {
        let _ = (request, &self.0);
        Err(Status::unimplemented("providers"))
    }
}
