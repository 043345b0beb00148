//! What a call's span holds, how traces travel, and what configurations are refused.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::future::Either;
use http::{HeaderMap, Request, Response};
use opentelemetry::trace::{SpanId, SpanKind, Status as SpanStatus, TraceId, TracerProvider as _};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tonic::body::Body;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::filter::LevelFilter;

use super::*;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    fn only(&self) -> SpanData {
        let spans = self.0.lock().unwrap();
        assert_eq!(spans.len(), 1);
        spans[0].clone()
    }
}

fn subscriber(kept: &Kept) -> impl tracing::Subscriber + Send + Sync + use<> {
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(kept.clone())
        .build();
    Registry::default().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("test")))
}

fn attribute(span: &SpanData, key: &'static str) -> Option<Value> {
    let key = Key::from_static_str(key);
    let found = span.attributes.iter().find(|entry| entry.key == key)?;
    Some(found.value.clone())
}

/// The span of one call that `handler` answers, its answer read to the end.
async fn span_of<H, F>(handler: H) -> SpanData
where
    H: FnMut(Request<Body>) -> F,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let kept = Kept::default();
    let mut handler = handler;
    let service = service_fn(move |request| {
        let answering = handler(request);
        async { Ok::<_, Infallible>(answering.await) }
    });
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = "/example.v1.ExampleService/GetExample".parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("traceparent", TRACEPARENT.parse().unwrap());
    headers.insert("x-secret", "s3cret".parse().unwrap());
    async {
        let response = RpcSpanLayer.layer(service).oneshot(request).await.unwrap();
        drain(response.into_body()).await;
    }
    .with_subscriber(subscriber(&kept))
    .await;
    kept.only()
}

async fn drain(mut body: Body) {
    use http_body::Body as _;
    while std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx))
        .await
        .is_some()
    {}
}

fn answer(code: tonic::Code) -> Response<Body> {
    tonic::Status::new(code, "").into_http()
}

#[tokio::test]
async fn a_span_names_the_call_and_its_status() {
    let span = span_of(|_| async { answer(tonic::Code::NotFound) }).await;
    assert_eq!(span.name, "example.v1.ExampleService/GetExample");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(attribute(&span, "rpc.system"), Some("grpc".into()));
    assert_eq!(
        attribute(&span, "rpc.service"),
        Some("example.v1.ExampleService".into())
    );
    assert_eq!(attribute(&span, "rpc.method"), Some("GetExample".into()));
    assert_eq!(attribute(&span, "rpc.grpc.status_code"), Some(5.into()));
    assert_eq!(span.status, SpanStatus::Unset);
    assert!(!format!("{span:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_span_is_an_error_when_the_server_is_at_fault() {
    let span = span_of(|_| async { answer(tonic::Code::Internal) }).await;
    assert!(matches!(span.status, SpanStatus::Error { .. }));
}

#[tokio::test]
async fn a_status_in_the_trailers_is_recorded() {
    let span = span_of(|_| async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        Response::new(Body::new(Trailers(Some(trailers))))
    })
    .await;
    assert_eq!(attribute(&span, "rpc.grpc.status_code"), Some(0.into()));
}

#[tokio::test]
async fn an_answer_without_a_status_counts_as_cancelled() {
    let span = span_of(|_| async { Response::new(Body::empty()) }).await;
    assert_eq!(attribute(&span, "rpc.grpc.status_code"), Some(1.into()));
}

#[tokio::test]
async fn the_callers_trace_is_carried_on_to_the_next_service() {
    let onwards = Arc::new(Mutex::new(HeaderMap::new()));
    let sent = onwards.clone();
    let span = span_of(move |_| {
        let sent = sent.clone();
        async move {
            propagation::inject(&mut sent.lock().unwrap());
            answer(tonic::Code::Ok)
        }
    })
    .await;
    let trace = TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap();
    assert_eq!(span.span_context.trace_id(), trace);
    assert_eq!(
        span.parent_span_id,
        SpanId::from_hex("b7ad6b7169203331").unwrap()
    );
    assert_eq!(
        onwards.lock().unwrap()["traceparent"],
        format!("00-{trace}-{}-01", span.span_context.span_id())
    );
}

#[tokio::test]
async fn nothing_is_sent_onwards_when_nothing_is_traced() {
    let mut headers = HeaderMap::new();
    propagation::inject(&mut headers);
    assert!(headers.is_empty());
}

#[test]
fn a_call_without_a_subscriber_runs_without_a_span() {
    let echo =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(answer(tonic::Code::Ok)) });
    let mut service = RpcSpanLayer.layer(echo);
    let deaf = Registry::default().with(LevelFilter::OFF);
    let answering =
        tracing::subscriber::with_default(deaf, || service.call(Request::new(Body::empty())));
    assert!(matches!(answering, Either::Left(_)));
}

struct Trailers(Option<HeaderMap>);

impl http_body::Body for Trailers {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Infallible>>> {
        let frame = self.0.take().map(http_body::Frame::trailers);
        std::task::Poll::Ready(frame.map(Ok))
    }
}

fn refused(change: fn(&mut TelemetryConfig)) -> TelemetryError {
    let mut config = TelemetryConfig::default();
    change(&mut config);
    init("test", &config).err().expect("should be refused")
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    assert!(matches!(
        refused(|config| config.log_filter = "a=b=c".to_owned()),
        TelemetryError::Filter {
            field: "log_filter",
            ..
        }
    ));
    assert!(matches!(
        refused(|config| config.trace_sample_ratio = 1.5),
        TelemetryError::SampleRatio
    ));
    assert!(matches!(
        refused(|config| config.otlp_ca_file = Some("ca.pem".into())),
        TelemetryError::AuthorityAndScheme
    ));
    assert!(matches!(
        refused(|config| config.otlp_endpoint = Some("https://collector:4317".to_owned())),
        TelemetryError::AuthorityAndScheme
    ));
    assert!(matches!(
        refused(|config| config.otlp_endpoint = Some("not a url".to_owned())),
        TelemetryError::Exporter { .. }
    ));
}

#[test]
fn exporting_outside_a_runtime_is_refused() {
    assert!(matches!(
        refused(|config| config.otlp_endpoint = Some("http://127.0.0.1:4317".to_owned())),
        TelemetryError::NoRuntime
    ));
}
