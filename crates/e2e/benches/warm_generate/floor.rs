//! The floor: a proxy from gRPC to HTTP/1.1 that does nothing else. It checks no caller, has no keys,
//! records nothing and parses no JSON; it returns the provider's body as text.

use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request as HttpRequest, Response as HttpResponse, Uri};
use http_body_util::{BodyExt as _, BodyStream, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use latchkey_boot::exit::Failure;
use latchkey_contract::router::v1::inference_service_server::{
    InferenceService, InferenceServiceServer,
};
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    CompareRequest, CompareResponse, CountTokensRequest, CountTokensResponse, EmbedRequest,
    EmbedResponse, ExplainRequest, ExplainResponse, GenerateImagesRequest, GenerateImagesResponse,
    GenerateRequest, GenerateResponse, ListModelsRequest, ListModelsResponse, Message, Part,
    PartDelta, Role, StreamGenerateRequest, StreamGenerateResponse,
};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, async_trait};

use crate::part::announce;
use crate::services::runtime;
use crate::transcript::provider_body;

/// The router's window sizes, so that both wait for room in the same cases.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
const MAX_FRAME_SIZE: u32 = 1024 * 1024;

/// Runs the floor.
pub(crate) fn serve(mock: SocketAddr) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(Failure::run)?;
        announce(listener.local_addr().map_err(Failure::run)?)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut client = Client::builder(TokioExecutor::new());
        let uri = format!("http://{mock}/v1/chat/completions")
            .parse()
            .map_err(Failure::run)?;
        let floor = Floor {
            client: client.pool_max_idle_per_host(64).build(connector),
            uri,
        };
        let server = Server::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(MAX_FRAME_SIZE)
            .add_service(InferenceServiceServer::new(floor));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        server
            .serve_with_incoming(incoming)
            .await
            .map_err(Failure::run)
    })
}

struct Floor {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
}

impl Floor {
    async fn forward(
        &self,
        request: &GenerateRequest,
        stream: bool,
    ) -> Result<HttpResponse<Incoming>, Status> {
        let part = request
            .messages
            .first()
            .and_then(|message| message.parts.first());
        let Some(Content::Text(prompt)) = part.and_then(|part| part.content.as_ref()) else {
            return Err(Status::invalid_argument("no text"));
        };
        let mut outgoing = HttpRequest::post(self.uri.clone())
            .body(Full::new(provider_body(prompt, stream)))
            .map_err(failed)?;
        outgoing
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.client.request(outgoing).await.map_err(failed)
    }
}

#[async_trait]
impl InferenceService for Floor {
    type StreamGenerateStream =
        Pin<Box<dyn Stream<Item = Result<StreamGenerateResponse, Status>> + Send>>;
    type CompareStream = Pin<Box<dyn Stream<Item = Result<CompareResponse, Status>> + Send>>;

    async fn compare(
        &self,
        _: Request<CompareRequest>,
    ) -> Result<Response<Self::CompareStream>, Status> {
        Err(Status::unimplemented("no part of the floor"))
    }

    async fn explain(
        &self,
        _: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        Err(Status::unimplemented("no part of the floor"))
    }

    async fn generate(
        &self,
        request: Request<GenerateRequest>,
    ) -> Result<Response<GenerateResponse>, Status> {
        let response = self.forward(request.get_ref(), false).await?;
        let body = response.into_body().collect().await.map_err(failed)?;
        let content = Some(Content::Text(text(body.to_bytes())?));
        let part = Part {
            content,
            provider_state: None,
        };
        let message = Message {
            role: Role::Assistant.into(),
            parts: vec![part],
        };
        let answer = GenerateResponse {
            message: Some(message),
            ..GenerateResponse::default()
        };
        Ok(Response::new(answer))
    }

    async fn stream_generate(
        &self,
        request: Request<StreamGenerateRequest>,
    ) -> Result<Response<Self::StreamGenerateStream>, Status> {
        let request = request.into_inner().request.unwrap_or_default();
        let response = self.forward(&request, true).await?;
        let deltas = BodyStream::new(response.into_body()).map(|frame| {
            let data = frame.map_err(failed)?.into_data().unwrap_or_default();
            let delta = PartDelta {
                part_index: 0,
                delta: Some(Delta::Text(text(data)?)),
            };
            Ok(StreamGenerateResponse {
                event: Some(Event::Delta(delta)),
            })
        });
        Ok(Response::new(Box::pin(deltas)))
    }

    async fn embed(&self, _: Request<EmbedRequest>) -> Result<Response<EmbedResponse>, Status> {
        Err(not_measured())
    }

    async fn generate_images(
        &self,
        _: Request<GenerateImagesRequest>,
    ) -> Result<Response<GenerateImagesResponse>, Status> {
        Err(not_measured())
    }

    async fn count_tokens(
        &self,
        _: Request<CountTokensRequest>,
    ) -> Result<Response<CountTokensResponse>, Status> {
        Err(not_measured())
    }

    async fn list_models(
        &self,
        _: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        Err(not_measured())
    }
}

fn not_measured() -> Status {
    Status::unimplemented("not measured here")
}
fn text(bytes: Bytes) -> Result<String, Status> {
    String::from_utf8(bytes.into()).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Status {
    Status::unavailable(error.to_string())
}
