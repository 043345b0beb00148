//! The way out: HTTPS to providers. Connections are pooled and speak HTTP/2 where the provider does;
//! redirects are answers like any other, never followed.

mod body;
mod dial;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use latchkey_boot::config::seconds;
use latchkey_boot::egress::EgressPolicy;
use latchkey_providers::encode::WireRequest;
use serde::Deserialize;
use tokio::time::Instant;

pub use body::{BodyError, chunks, collect};
use dial::GuardedResolver;

/// How patient the router is with providers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Seconds to connect. Default 10.
    #[serde(with = "seconds_with")]
    pub connect_timeout: Duration,
    /// Seconds until the head of a streamed answer. Default 120.
    #[serde(with = "seconds_with")]
    pub first_byte_timeout: Duration,
    /// Seconds between two pieces of a streamed answer, comments included. Default 120.
    #[serde(with = "seconds_with")]
    pub idle_timeout: Duration,
    /// Seconds for a whole answer that is not streamed: its head comes when it is complete.
    /// Default 600.
    #[serde(with = "seconds_with")]
    pub total_timeout: Duration,
}

mod seconds_with {
    pub(super) use super::seconds::deserialize;
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_mins(2),
            idle_timeout: Duration::from_mins(2),
            total_timeout: Duration::from_mins(10),
        }
    }
}

/// Whether the address was chosen by a user or by the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    /// By the operator: it may be anywhere.
    Operator,
    /// By a user: only where the egress policy lets it.
    User,
}

type Pool = Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>;

/// The clients that speak to providers.
pub struct Upstream {
    config: UpstreamConfig,
    guarded: Pool,
    trusted: Pool,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: a name that does not resolve, a port that does not answer, a certificate
    /// that does not fit, or an address that is not allowed.
    #[error("no connection could be made")]
    Connect,
    /// The connection broke before the head of an answer.
    #[error("the connection broke")]
    Broken,
    /// No head of an answer in time.
    #[error("it did not answer in time")]
    Timeout,
}

impl Upstream {
    /// Clients that keep to the policy.
    pub fn new(config: UpstreamConfig, egress: EgressPolicy) -> Self {
        let guarded = pool(config, GuardedResolver::guarded(Arc::new(egress)));
        let trusted = pool(config, GuardedResolver::unguarded());
        Self {
            config,
            guarded,
            trusted,
        }
    }

    /// The patience it was made with.
    pub fn config(&self) -> UpstreamConfig {
        self.config
    }

    /// Sends a request and waits for the head of the answer, no longer than `until`.
    pub async fn send(
        &self,
        request: WireRequest,
        trust: Trust,
        until: Instant,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut outgoing = Request::new(Full::new(request.body));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = request.uri;
        *outgoing.headers_mut() = request.headers;
        latchkey_boot::telemetry::propagation::inject(outgoing.headers_mut());
        let client = match trust {
            Trust::Operator => &self.trusted,
            Trust::User => &self.guarded,
        };
        match tokio::time::timeout_at(until, client.request(outgoing)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Connect),
            Ok(Err(_)) => Err(UpstreamError::Broken),
            Err(_elapsed) => Err(UpstreamError::Timeout),
        }
    }
}

fn pool(config: UpstreamConfig, resolver: GuardedResolver) -> Pool {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(config.connect_timeout));
    // TLS decides; operators may point at plain http.
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_mins(1))
        .pool_max_idle_per_host(64)
        .build(connector)
}
