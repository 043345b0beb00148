//! Who is calling, as far as the transport can prove it.
//!
//! [`IdentifyLayer`] looks at the client's certificate, then at its bearer token, and puts an
//! [`Identity`] into the request. What an identity may do is decided by [`crate::access`]. A
//! credential that is present and not valid is never treated as absent: it becomes
//! [`Identity::Rejected`], which a service answers with UNAUTHENTICATED.

mod certificate;
mod layer;
mod spiffe;
mod token;

use serde::Deserialize;
use thiserror::Error;

pub use layer::{Identify, IdentifyLayer};
pub use spiffe::{SpiffeId, SpiffeIdError};
pub use token::{MalformedDigest, MalformedName, TokenDigest, TokenName};

/// Who is calling.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Identity {
    /// The holder of a client certificate that the listener's authorities signed.
    Certificate(SpiffeId),
    /// The holder of a configured token.
    Token(TokenName),
    /// The request has no credential.
    Anonymous,
    /// The request has a credential that is not valid.
    Rejected(Rejection),
}

impl Identity {
    /// The identity of a request. A request that did not pass [`IdentifyLayer`] is anonymous.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let identity = request.extensions().get();
        identity.cloned().unwrap_or(Self::Anonymous)
    }
}

/// Why a credential is not valid. For the log only: the caller gets UNAUTHENTICATED for each.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, PartialEq)]
pub enum Rejection {
    /// The certificate, or one of the extensions that count, cannot be parsed.
    #[error("the client certificate is malformed")]
    MalformedCertificate,
    /// The certificate may sign others, so it may not identify a caller (X.509-SVID 5.2).
    #[error("the client certificate is a signing certificate")]
    SigningCertificate,
    /// The certificate does not have exactly one URI (X.509-SVID 2).
    #[error("the client certificate has {count} URI names, not one")]
    NotOneUri {
        /// How many it has.
        count: usize,
    },
    /// The certificate's URI is not the SPIFFE ID of a workload.
    #[error("the client certificate's URI is not a SPIFFE ID")]
    NotSpiffe(#[source] SpiffeIdError),
    /// The `authorization` header is not one bearer token (RFC 6750 2.1).
    #[error("the authorization header is not one bearer token")]
    MalformedAuthorization,
    /// The token is not configured.
    #[error("the bearer token is unknown")]
    UnknownToken,
}

/// The credentials that a listener knows beside client certificates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Static bearer tokens. Default: none.
    pub tokens: Vec<TokenConfig>,
}

/// One static bearer token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The name under which the token's holder is known.
    pub name: TokenName,
    /// The SHA-256 of the token, 64 hexadecimal digits. A plain digest is enough only because a
    /// token is random: at least 128 bits of it.
    pub sha256: TokenDigest,
}

/// Why an [`IdentityConfig`] cannot be used.
#[derive(Debug, Eq, Error, PartialEq)]
pub enum IdentityError {
    /// Two tokens have one name.
    #[error("two tokens are named `{name}`")]
    NameTwice {
        /// The name.
        name: TokenName,
    },
    /// One token has two names.
    #[error("the tokens `{first}` and `{second}` are the same")]
    TokenTwice {
        /// One name.
        first: TokenName,
        /// The other.
        second: TokenName,
    },
}
