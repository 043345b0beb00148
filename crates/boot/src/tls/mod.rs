//! TLS from files: the certificates and the trusted authorities of servers and clients.
//!
//! rustls with ring and nothing else. Files are read once, at the start; every error names the
//! file. Certificates are checked here as far as they can be without a peer, so that a wrong file
//! stops the start instead of failing every handshake.

mod pem;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::ServerName;
use serde::Deserialize;
use thiserror::Error;
use tonic::transport::{ClientTlsConfig, ServerTlsConfig};

/// How long a peer may take for its handshake before it is cut off.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// TLS of a listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The server's certificate and its intermediates, PEM.
    pub cert_file: PathBuf,
    /// The certificate's private key, PEM.
    pub key_file: PathBuf,
    /// The authorities that sign client certificates, PEM. Without it, the server requests no client
    /// certificate.
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client must present a certificate; only together with `client_ca_file`. Default:
    /// `required`.
    pub client_auth: Option<ClientAuth>,
}

/// Whether a client must present a certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// A client without a certificate is refused in the handshake.
    #[default]
    Required,
    /// A client may connect without a certificate and authenticate in another way.
    Optional,
}

/// TLS of a channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// The authorities that sign the server's certificate, PEM. There is no default: these
    /// services talk to each other, not to the web.
    pub ca_file: PathBuf,
    /// The client's own certificate and its intermediates, PEM; only together with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// The private key of the client's certificate, PEM; only together with `cert_file`.
    pub key_file: Option<PathBuf>,
    /// The name that the server's certificate must bear. Default: the host of the endpoint.
    pub domain: Option<String>,
}

/// Installs ring as the cryptography of the process. A second call changes nothing.
pub fn install_crypto_provider() {
    // It fails when a provider is installed already, and ring is the only one in the tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl ServerTls {
    /// Reads and checks the files.
    pub fn load(&self) -> Result<ServerTlsConfig, TlsError> {
        install_crypto_provider();
        let identity = pem::identity(&self.cert_file, &self.key_file)?;
        let config = ServerTlsConfig::new()
            .identity(identity)
            .timeout(HANDSHAKE_TIMEOUT);
        match (&self.client_ca_file, self.client_auth) {
            (None, None) => Ok(config),
            (None, Some(_)) => Err(TlsError::ClientAuthWithoutAuthority),
            (Some(file), auth) => Ok(config
                .client_ca_root(pem::authorities(file)?)
                .client_auth_optional(auth == Some(ClientAuth::Optional))),
        }
    }
}

impl ClientTls {
    /// Reads and checks the files.
    pub fn load(&self) -> Result<ClientTlsConfig, TlsError> {
        install_crypto_provider();
        let mut config = ClientTlsConfig::new()
            .ca_certificate(pem::authorities(&self.ca_file)?)
            .timeout(HANDSHAKE_TIMEOUT);
        if let Some((cert, key)) = self.own_files()? {
            config = config.identity(pem::identity(cert, key)?);
        }
        if let Some(domain) = &self.domain {
            if ServerName::try_from(domain.as_str()).is_err() {
                return Err(TlsError::Domain);
            }
            config = config.domain_name(domain);
        }
        Ok(config)
    }

    fn own_files(&self) -> Result<Option<(&Path, &Path)>, TlsError> {
        match (&self.cert_file, &self.key_file) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, Some(_)) => Err(TlsError::Half {
                missing: "cert_file",
            }),
            (Some(_), None) => Err(TlsError::Half {
                missing: "key_file",
            }),
        }
    }
}

/// Why a TLS configuration cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file has no certificate in it.
    #[error("{}: has no PEM certificate", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A file has a certificate that does not parse.
    #[error("{}: has a malformed PEM certificate", file.display())]
    MalformedCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A file has no private key, or one that does not parse. The error repeats none of its content.
    #[error("{}: has no usable PEM private key", file.display())]
    NoPrivateKey {
        /// The file.
        file: PathBuf,
    },
    /// A private key does not belong to its certificate, or has an unsupported type.
    #[error("{}: does not fit the certificate in {}", key_file.display(), cert_file.display())]
    Mismatch {
        /// The file of the certificate.
        cert_file: PathBuf,
        /// The file of the private key.
        key_file: PathBuf,
        /// rustls's error.
        source: rustls::Error,
    },
    /// A certificate cannot serve as an authority.
    #[error("{}: has a certificate that cannot be an authority", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// rustls's error.
        source: rustls::Error,
    },
    /// `client_auth` has no effect.
    #[error("`client_auth` needs `client_ca_file`")]
    ClientAuthWithoutAuthority,
    /// Only one of a client's two files is set.
    #[error("`cert_file` and `key_file` must be set together: `{missing}` is missing")]
    Half {
        /// The field that is not set.
        missing: &'static str,
    },
    /// The server's name is neither a DNS name nor an IP address.
    #[error("`domain` is neither a DNS name nor an IP address")]
    Domain,
    /// The transport refused the configuration although it passed every check above.
    #[error("the transport refused the TLS configuration")]
    Transport {
        /// The transport's error.
        source: tonic::transport::Error,
    },
}

#[cfg(test)]
mod tests;
