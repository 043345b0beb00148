//! Telemetry of a whole process, which has one: hence a test binary, and a test, of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test's own queues hold a few messages"
)]

use std::convert::Infallible;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use latchkey_boot::drain::Drain;
use latchkey_boot::server::{Listener, ServerConfig};
use latchkey_boot::telemetry::{self, TelemetryConfig};
use latchkey_rpc::identity::{IdentifyLayer, IdentityConfig};
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Layer as _;
use tower::Service;

#[tokio::test]
async fn spans_and_metrics_reach_the_collector_by_the_end() {
    let (traces, mut traces_received) = mpsc::unbounded_channel();
    let (metrics, mut metrics_received) = mpsc::unbounded_channel();
    let routes =
        Routes::new(collect_by::<Traces>(traces)).add_service(collect_by::<Metrics>(metrics));
    let listener = Listener::bind(&ServerConfig::new(([127, 0, 0, 1], 0).into()))
        .unwrap_or_else(|e| panic!("{e}"));
    let config = TelemetryConfig {
        log_filter: "off".to_owned(),
        otlp_endpoint: Some(format!("http://{}", listener.local_addr())),
        ..TelemetryConfig::default()
    };
    let identify = IdentifyLayer::new(&IdentityConfig::default()).unwrap();
    let drain = Drain::new();
    let serving = tokio::spawn(listener.serve(identify.layer(routes.prepare()), drain.clone()));

    let first = telemetry::init("first-service", &config).unwrap_or_else(|e| panic!("{e}"));
    let second = telemetry::init("second-service", &config).unwrap_or_else(|e| panic!("{e}"));
    tracing::info_span!("a-span-of-the-test").in_scope(|| {});
    opentelemetry::global::meter("test")
        .u64_counter("a.counter.of.the.test")
        .build()
        .add(1, &[]);
    second.shutdown().await;
    first.shutdown().await;

    let spans = traces_received.recv().await.unwrap();
    assert!(contains(&spans, "a-span-of-the-test"));
    assert!(contains(&spans, "first-service"));
    assert!(contains(&spans, env!("CARGO_PKG_VERSION")));
    let counters = metrics_received.recv().await.unwrap();
    assert!(contains(&counters, "a.counter.of.the.test"));

    drain.start();
    serving.await.unwrap().unwrap();
}

fn contains(message: &[u8], text: &str) -> bool {
    message
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// A collector's service that keeps the bytes of each request.
struct Collect<N> {
    sender: mpsc::UnboundedSender<Vec<u8>>,
    service: PhantomData<fn() -> N>,
}

impl<N> Clone for Collect<N> {
    fn clone(&self) -> Self {
        collect_by(self.sender.clone())
    }
}

fn collect_by<N>(sender: mpsc::UnboundedSender<Vec<u8>>) -> Collect<N> {
    Collect {
        sender,
        service: PhantomData,
    }
}

struct Traces;

impl NamedService for Collect<Traces> {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

struct Metrics;

impl NamedService for Collect<Metrics> {
    const NAME: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
}

impl<N> Service<Request<Body>> for Collect<N> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(collect(request, self.sender.clone()))
    }
}

async fn collect(
    request: Request<Body>,
    sender: mpsc::UnboundedSender<Vec<u8>>,
) -> Result<Response<Body>, Infallible> {
    let mut body = request.into_body();
    let mut received = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame.unwrap().into_data() {
            received.extend_from_slice(&data);
        }
    }
    let _ = sender.send(received);
    let mut response = Response::new(Body::new(EmptyMessage::Data));
    let content_type = http::HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, content_type);
    Ok(response)
}

/// An answer of one empty message: its frame, then the status.
enum EmptyMessage {
    Data,
    Trailers,
    End,
}

impl HttpBody for EmptyMessage {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (frame, next) = match *self {
            Self::Data => (Frame::data(Bytes::from_static(&[0; 5])), Self::Trailers),
            Self::Trailers => {
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
                (Frame::trailers(trailers), Self::End)
            }
            Self::End => return Poll::Ready(None),
        };
        *self = next;
        Poll::Ready(Some(Ok(frame)))
    }
}
