//! The configuration of a listener, and the transport made from it.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tonic::transport::Server;

use crate::config::seconds;
use crate::tls::{ServerTls, TlsError};

/// 20 MiB: a prompt with several images in it.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 20 * 1024 * 1024;

/// Bytes that one call may have in flight before they are read. A prompt of 100 KB arrives whole;
/// with HTTP/2's default of 65,535 bytes its sender would wait for a round trip.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// Bytes that all calls of one connection may have in flight together.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// Bytes of one HTTP/2 frame: fewer, larger reads than with the standard's 16 KiB.
const MAX_FRAME_SIZE: u32 = 1024 * 1024;

/// A listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS. Default: none, for loopback and for a sidecar that terminates it.
    #[serde(default)]
    pub tls: Option<ServerTls>,
    /// The largest message to accept, in bytes. Each service applies it with its
    /// `max_decoding_message_size`. Default: 20 MiB.
    #[serde(default = "max_message_bytes")]
    pub max_message_bytes: usize,
    /// How many calls one connection may have open. Default: 1024.
    #[serde(default = "max_concurrent_streams")]
    pub max_concurrent_streams: u32,
    /// How long calls in flight may take to finish once the process drains, in seconds.
    /// Default: 30.
    #[serde(
        rename = "drain_grace_seconds",
        default = "drain_grace",
        deserialize_with = "seconds::deserialize"
    )]
    pub drain_grace: Duration,
    /// How often a connection is probed, in seconds, to detect a peer that has vanished.
    /// Default: 20.
    #[serde(
        rename = "keepalive_interval_seconds",
        default = "keepalive_interval",
        deserialize_with = "seconds::deserialize"
    )]
    pub keepalive_interval: Duration,
    /// How long a peer may take to answer a probe, in seconds. Default: 10.
    #[serde(
        rename = "keepalive_timeout_seconds",
        default = "keepalive_timeout",
        deserialize_with = "seconds::deserialize"
    )]
    pub keepalive_timeout: Duration,
}

impl ServerConfig {
    /// Every default, without TLS.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            tls: None,
            max_message_bytes: max_message_bytes(),
            max_concurrent_streams: max_concurrent_streams(),
            drain_grace: drain_grace(),
            keepalive_interval: keepalive_interval(),
            keepalive_timeout: keepalive_timeout(),
        }
    }
}

fn max_message_bytes() -> usize {
    DEFAULT_MAX_MESSAGE_BYTES
}

fn max_concurrent_streams() -> u32 {
    1024
}

fn drain_grace() -> Duration {
    Duration::from_secs(30)
}

fn keepalive_interval() -> Duration {
    Duration::from_secs(20)
}

fn keepalive_timeout() -> Duration {
    Duration::from_secs(10)
}

/// The HTTP/2 server. `connection` sets the options of sockets.
pub(super) fn transport(config: &ServerConfig) -> Result<Server, TlsError> {
    let server = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(MAX_FRAME_SIZE)
        .max_concurrent_streams(config.max_concurrent_streams)
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout));
    match &config.tls {
        None => Ok(server),
        Some(tls) => server
            .tls_config(tls.load()?)
            .map_err(|source| TlsError::Transport { source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_needs_only_its_address() {
        let parsed: ServerConfig = toml::from_str("listen = \"127.0.0.1:7000\"").unwrap();
        let listen = "127.0.0.1:7000".parse().unwrap();
        assert_eq!(
            format!("{parsed:?}"),
            format!("{:?}", ServerConfig::new(listen))
        );
    }
}
