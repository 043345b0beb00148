//! A channel to another service. It connects on first use, reconnects after the connection breaks,
//! and sends our credentials with each request.

use std::path::PathBuf;
use std::time::Duration;

use latchkey_boot::config::{SecretError, SecretString, resolve_optional_secret, seconds};
use latchkey_boot::telemetry::propagation;
use latchkey_boot::tls::{ClientTls, TlsError};
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use url::Url;
use zeroize::Zeroizing;

/// Bytes that one call may have in flight before its receiver must read on; see the server's.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// The same for all calls of the connection.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// Bytes of one HTTP/2 frame.
const MAX_FRAME_SIZE: u32 = 1024 * 1024;

const USER_AGENT: &str = concat!("latchkey/", env!("CARGO_PKG_VERSION"));

/// A channel whose requests carry [`Credentials`].
pub type AuthorizedChannel = InterceptedService<Channel, Credentials>;

/// The address of another service, and the credentials for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// `http://host:port` or `https://host:port`; the latter needs `tls`.
    #[serde(deserialize_with = "parse_url")]
    pub endpoint: Url,
    /// TLS. Default: none.
    #[serde(default)]
    pub tls: Option<ClientTls>,
    /// The bearer token to send. Default: none.
    #[serde(default)]
    pub token: Option<SecretString>,
    /// A file with the bearer token, instead of `token`.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How long connecting may take, in seconds. Default: 5.
    #[serde(
        rename = "connect_timeout_seconds",
        default = "connect_timeout",
        deserialize_with = "seconds::deserialize"
    )]
    pub connect_timeout: Duration,
    /// How often the connection is probed, idle or not, in seconds. Default: 20.
    #[serde(
        rename = "keepalive_interval_seconds",
        default = "keepalive_interval",
        deserialize_with = "seconds::deserialize"
    )]
    pub keepalive_interval: Duration,
    /// How long the other side may take to answer a probe, in seconds. Default: 10.
    #[serde(
        rename = "keepalive_timeout_seconds",
        default = "keepalive_timeout",
        deserialize_with = "seconds::deserialize"
    )]
    pub keepalive_timeout: Duration,
}

impl ChannelConfig {
    /// Every default, without TLS and token.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoint,
            tls: None,
            token: None,
            token_file: None,
            connect_timeout: connect_timeout(),
            keepalive_interval: keepalive_interval(),
            keepalive_timeout: keepalive_timeout(),
        }
    }

    /// Opens the channel; nothing is connected yet. Must be called within a Tokio runtime.
    ///
    /// A generated client takes both: `FooClient::new(config.open()?)`.
    pub fn open(self) -> Result<AuthorizedChannel, ChannelError> {
        let endpoint = self.transport()?;
        let token = resolve_optional_secret(self.token, self.token_file, "token")?;
        let token = token.as_ref().map(bearer).transpose()?;
        if token.is_some() && self.tls.is_none() && !is_loopback(&self.endpoint) {
            tracing::warn!(endpoint = %self.endpoint, "the bearer token is sent without TLS");
        }
        Ok(InterceptedService::new(
            endpoint.connect_lazy(),
            Credentials { token },
        ))
    }

    fn transport(&self) -> Result<Endpoint, ChannelError> {
        let bare = self.endpoint.path() == "/"
            && self.endpoint.query().is_none()
            && self.endpoint.fragment().is_none()
            && self.endpoint.username().is_empty()
            && self.endpoint.password().is_none();
        if !bare || !self.endpoint.has_host() {
            return Err(ChannelError::NotAnOrigin);
        }
        let endpoint = Endpoint::from_shared(self.endpoint.to_string())
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
            .map_err(|_| ChannelError::NotAnOrigin)?
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(self.keepalive_interval))
            .http2_keep_alive_interval(self.keepalive_interval)
            .keep_alive_timeout(self.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(MAX_FRAME_SIZE);
        match (self.endpoint.scheme(), &self.tls) {
            ("http", None) => Ok(endpoint),
            ("https", Some(tls)) => endpoint
                .tls_config(tls.load()?)
                .map_err(|source| ChannelError::Tls(TlsError::Transport { source })),
            ("https", None) => Err(ChannelError::TlsMissing),
            ("http", Some(_)) => Err(ChannelError::TlsWithoutHttps),
            _ => Err(ChannelError::Scheme),
        }
    }
}

/// Adds the bearer token, if there is one, and the current trace (W3C `traceparent`) to requests.
///
/// It has no `Debug`, and the header it sets is marked sensitive: its own `Debug` hides the value,
/// and HTTP/2 keeps it out of the compression table.
#[derive(Clone)]
pub struct Credentials {
    token: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.token {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        propagation::inject(request.metadata_mut().as_mut());
        Ok(request)
    }
}

fn bearer(token: &SecretString) -> Result<MetadataValue<Ascii>, ChannelError> {
    let value = Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value: MetadataValue<Ascii> =
        value.parse().map_err(|_| ChannelError::MalformedToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn parse_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(serde::de::Error::custom)
}

fn connect_timeout() -> Duration {
    Duration::from_secs(5)
}

fn keepalive_interval() -> Duration {
    Duration::from_secs(20)
}

fn keepalive_timeout() -> Duration {
    Duration::from_secs(10)
}

/// Why a channel cannot be opened.
#[derive(Debug, Error)]
pub enum ChannelError {
    /// The endpoint has more to it than a scheme, a host and a port.
    #[error("`endpoint` must be a scheme, a host and a port, nothing else")]
    NotAnOrigin,
    /// The endpoint's scheme is neither `http` nor `https`.
    #[error("`endpoint` must begin with http:// or https://")]
    Scheme,
    /// An `https` endpoint without `tls`.
    #[error(
        "an https `endpoint` needs `tls`: set `tls.ca_file` to the authority that signs its certificate"
    )]
    TlsMissing,
    /// An `http` endpoint with `tls`.
    #[error("`tls` needs an https `endpoint`, and this one is http")]
    TlsWithoutHttps,
    /// The token has characters that no header may have.
    #[error("the token has characters that a header cannot carry")]
    MalformedToken,
    /// TLS is not configured well.
    #[error("cannot set up TLS")]
    Tls(#[from] TlsError),
    /// The token cannot be read.
    #[error("cannot read the token")]
    Token(#[from] SecretError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(toml: &str) -> Result<AuthorizedChannel, ChannelError> {
        let config: ChannelConfig = toml::from_str(toml).unwrap();
        config.open()
    }

    #[tokio::test]
    async fn an_endpoint_alone_is_enough() {
        assert!(open("endpoint = \"http://127.0.0.1:7000\"").is_ok());
    }

    #[tokio::test]
    async fn an_endpoint_with_more_than_an_origin_is_refused() {
        for endpoint in [
            "http://host:1/path",
            "http://host:1?query",
            "http://user:password@host:1",
            "mailto:a@b",
        ] {
            assert!(
                matches!(
                    open(&format!("endpoint = \"{endpoint}\"")),
                    Err(ChannelError::NotAnOrigin)
                ),
                "{endpoint}"
            );
        }
        assert!(matches!(
            open("endpoint = \"ftp://host:1\""),
            Err(ChannelError::Scheme)
        ));
    }

    #[tokio::test]
    async fn tls_and_https_go_together() {
        assert!(matches!(
            open("endpoint = \"https://host:1\""),
            Err(ChannelError::TlsMissing)
        ));
        assert!(matches!(
            open("endpoint = \"http://host:1\"\ntls = { ca_file = \"ca.pem\" }"),
            Err(ChannelError::TlsWithoutHttps)
        ));
    }

    #[test]
    fn the_token_goes_out_as_a_sensitive_header() {
        let token = bearer(&SecretString::new("s3cret".to_owned())).ok();
        let mut credentials = Credentials { token };
        let request = credentials.call(Request::new(())).unwrap();
        let header = request.metadata().get("authorization").unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer s3cret");
        assert!(!format!("{request:?}").contains("s3cret"));
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        assert!(matches!(
            bearer(&SecretString::new("a\nb".to_owned())),
            Err(ChannelError::MalformedToken)
        ));
    }
}
