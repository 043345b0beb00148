//! Calls to providers: the addresses, the connections, the access tokens, and the exchange of a request
//! for its answer. Redirects are never followed, and cookies are never stored.

mod body;
mod endpoints;
mod exchange;
mod pool;
mod pools;
mod resolver;
mod token_cell;
mod tokens;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use latchkey_boot::config::seconds;
use latchkey_egress::EgressPolicy;
use latchkey_providers::encode::WireRequest;
use serde::Deserialize;
use tokio::time::Instant;

pub use body::BodyError;
use body::UpstreamBody;
pub use endpoints::{EndpointError, Endpoints, ProviderConfig};
pub use exchange::{Exchange, ExchangeError, Head, Purpose, WholeAnswer};
use pool::Pool;
use pools::Pools;
pub use pools::{PoolKey, PoolsConfig};
pub use token_cell::{Token, TokenCell};
pub use tokens::{TokenError, TokenIssuer};

/// Time-outs of calls to providers, and the connections that are kept.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Seconds to connect. Default 10.
    #[serde(
        rename = "connect_timeout_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub connect_timeout: Duration,
    /// Seconds until the head of a streamed answer. Default 120.
    #[serde(
        rename = "first_byte_timeout_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub first_byte_timeout: Duration,
    /// Seconds between two pieces of a streamed answer, comments included. Default 120.
    #[serde(
        rename = "idle_timeout_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub idle_timeout: Duration,
    /// Seconds for a whole answer that is not streamed: its head comes when it is complete.
    /// Default 600.
    #[serde(
        rename = "total_timeout_seconds",
        deserialize_with = "seconds::deserialize"
    )]
    pub total_timeout: Duration,
    /// Connections that are kept for later calls.
    pub pools: PoolsConfig,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_mins(2),
            idle_timeout: Duration::from_mins(2),
            total_timeout: Duration::from_mins(10),
            pools: PoolsConfig::default(),
        }
    }
}

/// The party that supplied an address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AddressSource {
    /// The operator. The egress policy does not apply.
    Operator,
    /// A customer, or the provider's public address. The egress policy applies.
    Customer,
}

/// The connections to providers.
pub struct Upstream {
    config: UpstreamConfig,
    pools: Pools,
}

/// A request failed before the head of its answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: the name does not resolve, the port does not answer, the certificate is not
    /// valid, or the egress policy forbids the address.
    #[error("no connection was established")]
    Connect,
    /// The connection broke.
    #[error("the connection broke before the answer")]
    Broken,
    /// The head of the answer did not arrive in time.
    #[error("the answer did not begin in time")]
    Timeout,
}

impl Upstream {
    /// Connections under an egress policy, none of them open yet.
    pub fn new(config: UpstreamConfig, egress: EgressPolicy) -> Self {
        Self {
            config,
            pools: Pools::new(config, egress),
        }
    }

    /// The time-outs.
    pub fn config(&self) -> UpstreamConfig {
        self.config
    }

    /// Sends a request over the connections of `owner`; without an owner, over a new connection. Waits
    /// for the head of the answer, no longer than `until`.
    async fn send(
        &self,
        mut request: WireRequest,
        address_source: AddressSource,
        owner: Option<&PoolKey>,
        until: Instant,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        if address_source == AddressSource::Operator {
            // Others than the operator learn nothing of the callers' traces.
            latchkey_boot::telemetry::propagation::inject(&mut request.headers);
        }
        match owner {
            Some(owner) => {
                let host = request.uri.host().unwrap_or_default();
                let pool = self.pools.of(owner, host, address_source);
                send_over(&pool, request, until).await
            }
            None => send_over(&self.pools.unshared(address_source), request, until).await,
        }
    }
}

async fn send_over(
    pool: &Pool,
    request: WireRequest,
    until: Instant,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let mut outgoing = Request::new(Full::<Bytes>::new(request.body));
    *outgoing.method_mut() = request.method;
    *outgoing.uri_mut() = request.uri;
    *outgoing.headers_mut() = request.headers;
    match tokio::time::timeout_at(until, pool.request(outgoing)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Connect),
        Ok(Err(_)) => Err(UpstreamError::Broken),
        Err(_elapsed) => Err(UpstreamError::Timeout),
    }
}
