//! One server span per call, from its headers to the end of its response.
//!
//! Attributes follow OpenTelemetry's semantic conventions for gRPC: `rpc.system`, `rpc.service`,
//! `rpc.method`, and `rpc.grpc.status_code` once it is known.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::propagation;

/// Wraps services in [`RpcSpan`].
#[derive(Clone, Copy, Debug)]
pub struct RpcSpanLayer;

impl<S> Layer<S> for RpcSpanLayer {
    type Service = RpcSpan<S>;

    fn layer(&self, inner: S) -> RpcSpan<S> {
        RpcSpan { inner }
    }
}

/// A service that runs each call in a span of its own, a child of the caller's.
#[derive(Clone, Debug)]
pub struct RpcSpan<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for RpcSpan<S>
where
    S: Service<Request<B>, Response = Response<Body>, Future: Send + 'static, Error: 'static>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let span = open(request.uri().path());
        if span.is_disabled() {
            return Either::Left(self.inner.call(request));
        }
        propagation::adopt_parent(&span, request.headers());
        let handling = span.in_scope(|| self.inner.call(request));
        let mut outcome = Outcome::pending(span.clone());
        let answering = async move {
            let response = handling.await?;
            outcome.read(response.headers());
            Ok(response.map(|inner| Body::new(RpcSpanBody { inner, outcome })))
        };
        Either::Right(Box::pin(answering.instrument(span)))
    }
}

/// `/package.Service/Method`, as gRPC over HTTP/2 writes it.
fn open(path: &str) -> Span {
    let name = path.strip_prefix('/').unwrap_or(path);
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    tracing::info_span!(
        "rpc",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    )
}

/// The body of a response; it keeps the call's span open.
pub struct RpcSpanBody {
    inner: Body,
    outcome: Outcome,
}

impl HttpBody for RpcSpanBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { inner, outcome } = &mut *self;
        let _entered = outcome.span.clone().entered();
        let polled = Pin::new(inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    outcome.read(trailers);
                }
            }
            Poll::Ready(Some(Err(status))) => outcome.record(status.code()),
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The status of a call, recorded once. A call that is dropped before it has a status was cancelled
/// by its caller or cut by the process: CANCELLED.
struct Outcome {
    span: Span,
    recorded: bool,
}

impl Outcome {
    fn pending(span: Span) -> Self {
        Self {
            span,
            recorded: false,
        }
    }

    /// Reads the status. A response without a body has it in the headers, any other in the trailers.
    fn read(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get(Status::GRPC_STATUS) {
            self.record(Code::from_bytes(status.as_bytes()));
        }
    }

    fn record(&mut self, code: Code) {
        if std::mem::replace(&mut self.recorded, true) {
            return;
        }
        self.span
            .record("rpc.grpc.status_code", i64::from(i32::from(code)));
        if is_server_error(code) {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.record(Code::Cancelled);
    }
}

/// The codes that the semantic conventions count as errors of a server span.
fn is_server_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}
