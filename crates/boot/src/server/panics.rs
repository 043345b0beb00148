//! A panic in a handler answers its own call with INTERNAL and touches no other.
//!
//! Without this the call's task would die and its caller would see a reset stream. The panic hook
//! has printed where it happened; its message may quote a request and is not repeated.
//!
//! `tower-http` catches the panics of handlers ([`internal_error`] answers for them). The rest of a
//! streamed answer is computed as it is sent, so [`guard`] catches the panics of bodies.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tower_http::BoxError;
use tower_http::body::UnsyncBoxBody;

/// The answer of a handler that panicked.
pub(super) fn internal_error(_message: Box<dyn Any + Send>) -> Response<Body> {
    status().into_http()
}

/// A body that ends with INTERNAL where its inner one panics.
pub(super) fn guard(inner: UnsyncBoxBody<Bytes, BoxError>) -> Body {
    Body::new(Guarded { inner: Some(inner) })
}

fn status() -> Status {
    tracing::error!("a handler panicked");
    Status::internal("internal error")
}

/// `None` once the body has panicked.
struct Guarded {
    inner: Option<UnsyncBoxBody<Bytes, BoxError>>,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        // The state of a panicked body is dropped with it. What handlers share is behind locks and
        // channels of its own, which are poisoned or closed.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Ok(polled) => polled,
            Err(_panic) => {
                self.inner = None;
                let mut trailers = HeaderMap::new();
                let written = status().add_header(&mut trailers);
                let frame = written.map(|()| Frame::trailers(trailers));
                Poll::Ready(Some(frame.map_err(BoxError::from)))
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
