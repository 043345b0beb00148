//! `InferenceService`, one file per method.

mod compare;
mod count_tokens;
mod embed;
mod explain;
mod generate;
mod generate_images;
mod list_models;
mod stream_generate;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use latchkey_contract::router::v1::inference_service_server::InferenceService;
use latchkey_contract::router::v1::{
    CompareRequest, CompareResponse, CountTokensRequest, CountTokensResponse, EmbedRequest,
    EmbedResponse, ExplainRequest, ExplainResponse, GenerateImagesRequest, GenerateImagesResponse,
    GenerateRequest, GenerateResponse, ListModelsRequest, ListModelsResponse,
    StreamGenerateRequest, StreamGenerateResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::dispatch::Dispatcher;
use crate::listing::Listing;
use crate::sessions::Sessions;

/// The implementation of the service.
pub(super) struct Inference {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) listing: Arc<Listing>,
    pub(super) sessions: Arc<Sessions>,
}

#[async_trait]
impl InferenceService for Inference {
    type StreamGenerateStream =
        Pin<Box<dyn Stream<Item = Result<StreamGenerateResponse, Status>> + Send>>;

    type CompareStream = Pin<Box<dyn Stream<Item = Result<CompareResponse, Status>> + Send>>;

    async fn compare(
        &self,
        request: Request<CompareRequest>,
    ) -> Result<Response<Self::CompareStream>, Status> {
        let (call, request) = Call::split(request)?;
        match compare::handle(self, &call, request).await {
            Ok(stream) => Ok(Response::new(compare::encode_stream(call, stream))),
            Err(error) => Err(call.refuse(error)),
        }
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = explain::handle(self, &call, &request).await;
        call.answer(outcome)
    }

    async fn generate(
        &self,
        request: Request<GenerateRequest>,
    ) -> Result<Response<GenerateResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = generate::handle(self, &call, &request).await;
        call.answer(outcome)
    }

    async fn stream_generate(
        &self,
        request: Request<StreamGenerateRequest>,
    ) -> Result<Response<Self::StreamGenerateStream>, Status> {
        let (call, request) = Call::split(request)?;
        match stream_generate::handle(self, &call, request).await {
            Ok(stream) => Ok(Response::new(stream_generate::encode_stream(call, stream))),
            Err(error) => Err(call.refuse(error)),
        }
    }

    async fn embed(
        &self,
        request: Request<EmbedRequest>,
    ) -> Result<Response<EmbedResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = embed::handle(&self.dispatcher, &call, &request).await;
        call.answer(outcome)
    }

    async fn generate_images(
        &self,
        request: Request<GenerateImagesRequest>,
    ) -> Result<Response<GenerateImagesResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = generate_images::handle(&self.dispatcher, &call, &request).await;
        call.answer(outcome)
    }

    async fn count_tokens(
        &self,
        request: Request<CountTokensRequest>,
    ) -> Result<Response<CountTokensResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = count_tokens::handle(self, &call, &request).await;
        call.answer(outcome)
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = list_models::handle(&self.listing, &call, &request).await;
        call.answer(outcome)
    }
}
