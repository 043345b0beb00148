//! `InferenceService`, one file per method.

mod generate;
mod stream_generate;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use latchkey_contract::router::v1::inference_service_server::InferenceService;
use latchkey_contract::router::v1::{
    GenerateRequest, GenerateResponse, StreamGenerateRequest, StreamGenerateResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::call::Call;
use crate::dispatch::Dispatcher;

/// Sends prompts to providers with the right key.
pub(super) struct Inference(pub(super) Arc<Dispatcher>);

#[async_trait]
impl InferenceService for Inference {
    type StreamGenerateStream =
        Pin<Box<dyn Stream<Item = Result<StreamGenerateResponse, Status>> + Send>>;

    async fn generate(
        &self,
        request: Request<GenerateRequest>,
    ) -> Result<Response<GenerateResponse>, Status> {
        let (call, request) = Call::split(request)?;
        let outcome = generate::handle(&self.0, &call, &request).await;
        call.answer(outcome)
    }

    async fn stream_generate(
        &self,
        request: Request<StreamGenerateRequest>,
    ) -> Result<Response<Self::StreamGenerateStream>, Status> {
        let (call, request) = Call::split(request)?;
        match stream_generate::handle(&self.0, &call, request).await {
            Ok(stream) => Ok(Response::new(stream_generate::refusing(call, stream))),
            Err(error) => Err(call.refuse(error)),
        }
    }
}
