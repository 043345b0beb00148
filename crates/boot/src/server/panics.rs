//! A panic in a handler answers its own call with INTERNAL and touches no other.
//!
//! Without this the call's task would die and its caller would see a reset stream. The panic hook
//! has printed where it happened; what it said may quote a request and is not repeated.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// Wraps services in [`CatchPanic`].
#[derive(Clone, Copy)]
pub(super) struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

/// A service that answers INTERNAL where its inner one panics.
#[derive(Clone)]
pub(super) struct CatchPanic<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for CatchPanic<S>
where
    S: Service<
            Request<B>,
            Response = Response<Body>,
            Future: Send + 'static,
            Error: Send + 'static,
        >,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    /// What a panicked handler left behind is dropped with it; what handlers share is behind
    /// locks and channels of its own, which say so when they are poisoned or closed.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(handling) => Box::pin(async move {
                match AssertUnwindSafe(handling).catch_unwind().await {
                    Ok(response) => Ok(response?.map(|body| Body::new(CatchPanicBody::new(body)))),
                    Err(panic) => Ok(caught(&*panic).into_http()),
                }
            }),
            Err(panic) => {
                let response = caught(&*panic).into_http();
                Box::pin(std::future::ready(Ok(response)))
            }
        }
    }
}

fn caught(_what_it_said: &(dyn Any + Send)) -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}

/// A body that ends with INTERNAL where its inner one panics: the rest of a streamed answer is
/// computed as it is sent.
struct CatchPanicBody {
    inner: Option<Body>,
}

impl CatchPanicBody {
    fn new(inner: Body) -> Self {
        Self { inner: Some(inner) }
    }
}

impl HttpBody for CatchPanicBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Ok(polled) => polled,
            Err(panic) => {
                self.inner = None;
                let mut trailers = HeaderMap::new();
                let told = caught(&*panic).add_header(&mut trailers);
                Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
