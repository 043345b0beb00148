//! A client that sends its deadline and leaves it to the server. tonic's client cancels the call at
//! the deadline itself, so it never receives the server's status.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::body::Body;
use tower::Service;

/// A connection that adds `grpc-timeout` to each call.
#[derive(Clone)]
pub(crate) struct RemoteDeadline {
    client: Client<HttpConnector, Body>,
    server: Authority,
    token: HeaderValue,
    timeout: HeaderValue,
}

impl RemoteDeadline {
    pub(super) fn new(server: SocketAddr, token: &str, timeout: Duration) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        Self {
            client: builder.http2_only(true).build(HttpConnector::new()),
            server: server.to_string().parse().unwrap(),
            token: format!("Bearer {token}").parse().unwrap(),
            timeout: format!("{}m", timeout.as_millis()).parse().unwrap(),
        }
    }
}

impl Service<Request<Body>> for RemoteDeadline {
    type Response = Response<Incoming>;
    type Error = hyper_util::client::legacy::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.server.clone());
        *request.uri_mut() = Uri::from_parts(uri).unwrap();
        let headers = request.headers_mut();
        headers.insert("authorization", self.token.clone());
        headers.insert("grpc-timeout", self.timeout.clone());
        Box::pin(self.client.request(request))
    }
}
