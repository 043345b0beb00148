//! `CatalogueService`, one file per method.

mod decode;
mod delete_catalogue_model;
mod encode;
mod get_catalogue_model;
mod list_catalogue_models;
mod upsert_catalogue_model;

use std::sync::Arc;

use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_contract::names::ModelName;
use latchkey_contract::router::v1::catalogue_service_server::CatalogueService;
use latchkey_contract::router::v1::{
    CatalogueModel, DeleteCatalogueModelRequest, DeleteCatalogueModelResponse,
    GetCatalogueModelRequest, ListCatalogueModelsRequest, ListCatalogueModelsResponse,
    UpsertCatalogueModelRequest,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::catalogue::Catalogues;
use crate::error::RouterError;

/// The implementation of the service.
pub(super) struct Models {
    pub(super) catalogues: Arc<Catalogues>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl CatalogueService for Models {
    async fn list_catalogue_models(
        &self,
        request: Request<ListCatalogueModelsRequest>,
    ) -> Result<Response<ListCatalogueModelsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list_catalogue_models::handle(self, &call, &request);
        call.answer(outcome)
    }

    async fn get_catalogue_model(
        &self,
        request: Request<GetCatalogueModelRequest>,
    ) -> Result<Response<CatalogueModel>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = get_catalogue_model::handle(self, &call, &request);
        call.answer(outcome)
    }

    async fn upsert_catalogue_model(
        &self,
        request: Request<UpsertCatalogueModelRequest>,
    ) -> Result<Response<CatalogueModel>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = upsert_catalogue_model::handle(self, &call, &request).await;
        call.answer(outcome)
    }

    async fn delete_catalogue_model(
        &self,
        request: Request<DeleteCatalogueModelRequest>,
    ) -> Result<Response<DeleteCatalogueModelResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = delete_catalogue_model::handle(self, &call, &request).await;
        call.answer(outcome)
    }
}

/// Parses a model's name and the provider in it.
fn parse(field: &'static str, text: &str) -> Result<(ProviderId, ModelName), RouterError> {
    let name: ModelName = text.parse().map_err(RouterError::name(field))?;
    let provider = name
        .provider
        .as_str()
        .parse()
        .map_err(|error| RouterError::field(field, error))?;
    Ok((provider, name))
}
