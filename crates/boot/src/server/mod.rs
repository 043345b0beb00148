//! A gRPC listener: sockets, TLS, the layers that every call passes, and a graceful end.
//!
//! A call passes, outermost first: the span ([`crate::telemetry::RpcSpanLayer`]), the guards
//! against panics, the service.

mod config;
mod connection;
mod panics;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};

use http::{Request, Response};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::Service;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::map_response_body::MapResponseBodyLayer;

use crate::drain::Drain;
use crate::telemetry::RpcSpanLayer;
use crate::tls::TlsError;

pub use config::{DEFAULT_MAX_MESSAGE_BYTES, ServerConfig};

/// A bound port, not served yet: connections wait in the system's queue.
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    config: ServerConfig,
    server: Server,
}

impl Listener {
    /// Binds the port (0 takes a free one) and reads the TLS files.
    pub fn bind(config: &ServerConfig) -> Result<Self, BindError> {
        let server = config::transport(config)?;
        let refused = |source| BindError::Address {
            listen: config.listen,
            source,
        };
        let socket = TcpListener::bind(config.listen).map_err(refused)?;
        socket.set_nonblocking(true).map_err(refused)?;
        let local_addr = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            local_addr,
            config: config.clone(),
            server,
        })
    }

    /// The address bound, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until the drain has started and every call has ended.
    ///
    /// When the drain starts, the port closes at once and idle connections get a GOAWAY.
    /// Calls in flight have `drain_grace_seconds` to finish; then, or when the drain is cut short, their
    /// connections are cut and their handlers dropped.
    pub async fn serve<S>(self, service: S, drain: Drain) -> Result<(), ServeError>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let listener = tokio::net::TcpListener::from_std(self.socket)?;
        let accepted = TcpIncoming::from(listener)
            .with_nodelay(Some(true))
            .with_keepalive(Some(self.config.keepalive_interval));
        let cut = CancellationToken::new();
        let serving = self
            .server
            .layer(RpcSpanLayer)
            .layer(MapResponseBodyLayer::new(panics::guard))
            .layer(CatchPanicLayer::custom(panics::internal_error))
            .serve_with_incoming_shutdown(
                service,
                connection::incoming(accepted, cut.clone()),
                drain.started(),
            );
        let mut serving = Box::pin(serving);

        tokio::select! {
            ended = &mut serving => return Ok(ended?),
            () = grace_is_over(&drain, self.config.drain_grace) => {}
        }
        tracing::warn!("calls did not finish in time and were cut");
        cut.cancel();
        Ok(serving.await?)
    }
}

async fn grace_is_over(drain: &Drain, grace: std::time::Duration) {
    drain.started().await;
    tokio::select! {
        () = tokio::time::sleep(grace) => {}
        () = drain.cut() => {}
    }
}

/// Why a listener cannot be bound.
#[derive(Debug, Error)]
pub enum BindError {
    /// The address cannot be bound.
    #[error("cannot listen on {listen}")]
    Address {
        /// The address.
        listen: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The TLS configuration cannot be used.
    #[error("cannot listen with TLS")]
    Tls(#[from] TlsError),
}

/// Why a listener stopped before its drain.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The runtime did not accept the socket.
    #[error("the listening socket failed")]
    Socket(#[from] std::io::Error),
    /// The transport failed.
    #[error("the transport failed")]
    Transport(#[from] tonic::transport::Error),
}
