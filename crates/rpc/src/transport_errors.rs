//! Refusals by the transport, before a handler sees the message, in the same form as ours.
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

/// Puts the transport's refusals into our form for one service domain, and ends a request stream that
/// was cut off in an error.
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

/// A service whose transport refusals have our form.
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
            Ok(match in_our_form(response.headers(), domain) {
                Some(status) => status.into_http(),
                None => response,
            })
        })
    }
}

/// The refusal, if it comes from the transport: ours always have details, its refusals never.
fn in_our_form(headers: &HeaderMap, domain: &'static str) -> Option<Status> {
    if !headers.contains_key(Status::GRPC_STATUS) || headers.contains_key("grpc-status-details-bin")
    {
        return None;
    }
    let status = Status::from_header_map(headers)?;
    let refusal = match status.code() {
        Code::Internal => Refusal::new(Reason::MessageMalformed, status.message()),
        Code::OutOfRange => Refusal::new(Reason::MessageTooLarge, status.message()),
        // tonic explains an encoding that it can't read, and leaves the message of an unknown path empty.
        Code::Unimplemented if status.message().is_empty() => {
            Refusal::new(Reason::MethodUnknown, "the service has no such method")
        }
        Code::Unimplemented => Refusal::new(Reason::CompressionUnknown, status.message()),
        _ => return None,
    };
    Some(refusal.into_status(domain))
}
