//! The layer that puts an [`Identity`] into each request.

use std::task::{Context, Poll};

use http::Request;
use http::header::AUTHORIZATION;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tower::{Layer, Service};

use super::certificate::spiffe_id;
use super::token::Tokens;
use super::{Identity, IdentityConfig, IdentityError};

/// Identifies callers. Clones share the list of tokens.
#[derive(Clone)]
pub struct IdentifyLayer {
    tokens: Tokens,
}

impl IdentifyLayer {
    /// A layer that knows the configured tokens, and client certificates where the listener asks
    /// for them.
    pub fn new(config: &IdentityConfig) -> Result<Self, IdentityError> {
        Ok(Self {
            tokens: Tokens::new(config)?,
        })
    }
}

impl<S> Layer<S> for IdentifyLayer {
    type Service = Identify<S>;

    fn layer(&self, inner: S) -> Identify<S> {
        Identify {
            inner,
            tokens: self.tokens.clone(),
        }
    }
}

/// A service whose requests carry an [`Identity`] and no `authorization` header.
#[derive(Clone)]
pub struct Identify<S> {
    inner: S,
    tokens: Tokens,
}

impl<S, B> Service<Request<B>> for Identify<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let identity = identify(&request, &self.tokens);
        // Nothing behind this point needs the token, so nothing can log or forward it.
        request.headers_mut().remove(AUTHORIZATION);
        request.extensions_mut().insert(identity);
        self.inner.call(request)
    }
}

/// The order is the order of trust: the first credential decides, valid or not. A sidecar's
/// `x-forwarded-client-cert` belongs after the certificate, a JWT beside the token.
fn identify<B>(request: &Request<B>, tokens: &Tokens) -> Identity {
    if let Some(certificate) = client_certificate(request) {
        return certificate.map_or_else(Identity::Rejected, Identity::Certificate);
    }
    if let Some(token) = tokens.identify(request.headers()) {
        return token.map_or_else(Identity::Rejected, Identity::Token);
    }
    Identity::Anonymous
}

fn client_certificate<B>(
    request: &Request<B>,
) -> Option<Result<super::SpiffeId, super::Rejection>> {
    let connection = request
        .extensions()
        .get::<TlsConnectInfo<TcpConnectInfo>>()?;
    let chain = connection.peer_certs()?;
    // The first certificate is the caller's own (RFC 8446 4.4.2); the others led to an authority.
    chain.first().map(|certificate| spiffe_id(certificate))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt as _, service_fn};

    use super::*;
    use crate::identity::{Rejection, TokenConfig, TokenDigest, TokenName};

    fn layer() -> IdentifyLayer {
        let name = TokenName::parse("admin").unwrap();
        let sha256 = TokenDigest::of("s3cret");
        let tokens = vec![TokenConfig { name, sha256 }];
        IdentifyLayer::new(&IdentityConfig { tokens }).unwrap()
    }

    async fn pass(authorization: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        if let Some(value) = authorization {
            let headers = request.headers_mut();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        let echo = service_fn(|request: Request<()>| async { Ok::<_, Infallible>(request) });
        layer().layer(echo).oneshot(request).await.unwrap()
    }

    fn identity(request: &Request<()>) -> &Identity {
        request.extensions().get().unwrap()
    }

    #[tokio::test]
    async fn the_holder_of_a_token_is_identified_and_the_token_is_gone() {
        let request = pass(Some("Bearer s3cret")).await;
        let admin = TokenName::parse("admin").unwrap();
        assert_eq!(*identity(&request), Identity::Token(admin));
        assert!(request.headers().is_empty());
    }

    #[tokio::test]
    async fn a_rejected_token_is_gone_too() {
        let request = pass(Some("Bearer guess")).await;
        assert_eq!(
            *identity(&request),
            Identity::Rejected(Rejection::UnknownToken)
        );
        assert!(request.headers().is_empty());
    }

    #[tokio::test]
    async fn a_caller_without_credentials_is_anonymous() {
        assert_eq!(*identity(&pass(None).await), Identity::Anonymous);
    }
}
