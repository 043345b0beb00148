//! Refusals that the transport makes before a handler sees the message, in the same words as ours.
//!
//! tonic answers a message that does not decode with INTERNAL and one that is too large with
//! `OUT_OF_RANGE`, both without details. The first is the caller's mistake, so it becomes
//! `INVALID_ARGUMENT`; both get an `ErrorInfo`.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use latchkey_contract::Reason;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::refusal::Refusal;
use super::request_body::RequestBody;

/// Rewords the transport's refusals for one service domain, and tells a handler that reads a stream
/// whether its sender ended it.
#[derive(Clone, Copy, Debug)]
pub struct TransportErrorsLayer {
    domain: &'static str,
}

impl TransportErrorsLayer {
    /// For the service domain that `ErrorInfo` names, such as `vault.latchkey`.
    pub const fn new(domain: &'static str) -> Self {
        Self { domain }
    }
}

impl<S> Layer<S> for TransportErrorsLayer {
    type Service = TransportErrors<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TransportErrors {
            inner,
            domain: self.domain,
        }
    }
}

/// A service whose transport refusals are reworded.
#[derive(Clone, Debug)]
pub struct TransportErrors<S> {
    inner: S,
    domain: &'static str,
}

impl<S: NamedService> NamedService for TransportErrors<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for TransportErrors<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let domain = self.domain;
        let response = self.inner.call(request.map(RequestBody::wrap));
        Box::pin(async move {
            let response = response.await?;
            Ok(match reworded(response.headers(), domain) {
                Some(status) => status.into_http(),
                None => response,
            })
        })
    }
}

/// Ours have details; what has none comes from the transport.
fn reworded(headers: &HeaderMap, domain: &'static str) -> Option<Status> {
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key("grpc-status-details-bin")
    {
        return None;
    }
    let status = Status::from_header_map(headers)?;
    let refusal = match status.code() {
        Code::Internal => Refusal::new(Reason::MessageMalformed, status.message()),
        Code::OutOfRange => Refusal::new(Reason::MessageTooLarge, status.message()),
        // tonic has words for an encoding that it can't read, and none for a path it does not know.
        Code::Unimplemented if status.message().is_empty() => {
            Refusal::new(Reason::MethodUnknown, "no such method")
        }
        Code::Unimplemented => Refusal::new(Reason::CompressionUnknown, status.message()),
        _ => return None,
    };
    Some(refusal.into_status(domain))
}
