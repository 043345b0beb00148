//! Direct calls to the mock, over pooled HTTP/1.1: the time of a call without a proxy.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use latchkey_boot::exit::Failure;

use crate::load::Shape;
use crate::transcript;

/// A caller of the mock.
pub(crate) struct Direct {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    body: Bytes,
    expected: Bytes,
}

impl Direct {
    /// For answers that are not streamed.
    pub(crate) fn new(mock: SocketAddr, shape: Shape) -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let prompt = transcript::words(shape.prompt_bytes);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            uri: format!("http://{mock}/v1/chat/completions")
                .parse()
                .map_err(Failure::run)?,
            body: transcript::provider_body(&prompt, shape.streamed),
            expected: transcript::whole().pieces.concat().into(),
        })
    }

    /// Makes a call and checks its answer.
    pub(crate) async fn call(&self) -> Result<(), Failure> {
        let mut request = Request::post(self.uri.clone())
            .body(Full::new(self.body.clone()))
            .map_err(Failure::run)?;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = self.client.request(request).await.map_err(Failure::run)?;
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(Failure::run)?
            .to_bytes();
        if body == self.expected {
            Ok(())
        } else {
            Err(Failure::run("a wrong answer of the mock"))
        }
    }
}
