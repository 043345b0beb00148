//! `CatalogueService`, and its effect on calls.

mod delete_catalogue_model;
mod get_catalogue_model;
mod list_catalogue_models;
mod propagation;
mod store;
mod upsert_catalogue_model;

use latchkey_contract::router::v1::catalogue_service_client::CatalogueServiceClient;
use latchkey_contract::router::v1::{
    CatalogueModel, DeleteCatalogueModelRequest, GetCatalogueModelRequest, Operation, PriceList,
    UpsertCatalogueModelRequest,
};
use tonic::Status;

use crate::harness::{APP, Caller, OPERATOR, Router};

/// Gets a model from a router.
async fn get(router: &Router, caller: Caller, name: &str) -> Result<CatalogueModel, Status> {
    let name = name.to_owned();
    let request = GetCatalogueModelRequest { name };
    let mut client = CatalogueServiceClient::new(router.channel(caller));
    let got = client.get_catalogue_model(request).await;
    got.map(tonic::Response::into_inner)
}

async fn upsert(router: &Router, model: CatalogueModel) -> Result<CatalogueModel, Status> {
    let request = UpsertCatalogueModelRequest { model: Some(model) };
    let mut client = CatalogueServiceClient::new(router.channel(OPERATOR));
    let response = client.upsert_catalogue_model(request).await;
    response.map(tonic::Response::into_inner)
}

async fn delete(router: &Router, name: &str) -> Result<(), Status> {
    let name = name.to_owned();
    let request = DeleteCatalogueModelRequest { name };
    let mut client = CatalogueServiceClient::new(router.channel(OPERATOR));
    client.delete_catalogue_model(request).await.map(drop)
}

/// A model with this price per million tokens, of input and of output.
fn priced(name: &str, nanos: i64) -> CatalogueModel {
    CatalogueModel {
        name: name.to_owned(),
        operations: vec![Operation::Generate.into()],
        prices: Some(PriceList {
            input_nanos: Some(nanos),
            output_nanos: Some(nanos),
            ..PriceList::default()
        }),
        ..CatalogueModel::default()
    }
}

/// The router's version of the catalogue.
async fn version(router: &Router) -> String {
    let known = get(router, APP, GPT_4_1).await.unwrap();
    known.price_version
}

const GPT_4_1: &str = "providers/openai/models/gpt-4.1";
