//! Exchanges keys for access tokens (OAuth 2.0, RFC 6749). Service accounts and applications cannot
//! authenticate calls directly; their tokens are valid for about an hour. This module encodes the
//! requests and decodes the answers. The caller sends them and keeps the token.

mod entra;
mod private_key;
mod service_account;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::encode::{EncodeError, JSON, USER_AGENT, WireRequest};
use crate::error::{self, ErrorClass, ProviderError};
use crate::json::Text;
use crate::reply::Reply;

/// Google's token endpoint. A service account's file also names an address, which is never used: an
/// attacker who wrote the file would receive a signed assertion.
pub const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Microsoft Entra's authority in the public cloud. Each directory has a path below it.
pub const ENTRA_AUTHORITY: &str = "https://login.microsoftonline.com";

/// A key that is exchanged for a token, and the endpoint. It holds a secret, so it has no `Debug`.
#[derive(Clone, Copy)]
pub enum TokenSource<'a> {
    /// A service account of Google Cloud, which signs an assertion (RFC 7523).
    ServiceAccount {
        /// The JSON file of the account.
        json: &'a str,
        /// The token endpoint: [`GOOGLE_TOKEN_URL`] unless the operator sets another.
        url: &'a Url,
    },
    /// An application of Microsoft Entra, which sends a secret (RFC 6749, 4.4).
    EntraClient {
        /// The directory: a UUID or a domain.
        tenant_id: &'a str,
        /// The id of the application.
        client_id: &'a str,
        /// The secret of the application.
        client_secret: &'a str,
        /// The authority: [`ENTRA_AUTHORITY`] unless the operator sets another.
        authority: &'a Url,
    },
}

/// An access token, used as [`Credential::Bearer`]. It has no `Debug` and is zeroized on drop.
///
/// [`Credential::Bearer`]: crate::Credential::Bearer
pub struct AccessToken {
    /// The token, without `Bearer`.
    pub token: Zeroizing<String>,
    /// The lifetime from the time of the request.
    pub expires_in: Duration,
}

/// Encodes a token request. It is free of charge.
pub fn request(source: &TokenSource<'_>, now: SystemTime) -> Result<WireRequest, EncodeError> {
    match *source {
        TokenSource::ServiceAccount { json, url } => service_account::request(json, url, now),
        TokenSource::EntraClient {
            tenant_id,
            client_id,
            client_secret,
            authority,
        } => entra::request(tenant_id, client_id, client_secret, authority),
    }
}

/// Decodes a token or classifies the error. The secret of `source` is redacted; the reply's own may
/// be empty.
pub fn read(source: &TokenSource<'_>, reply: &Reply<'_>) -> Result<AccessToken, ProviderError> {
    if !reply.status.is_success() || error::contains_error(reply.body) {
        return Err(error::token_error(reply, source.secret()));
    }
    token(reply.body).ok_or_else(|| ProviderError {
        http_status: Some(reply.status.as_u16()),
        // The body is not quoted, because it may contain a token.
        ..ProviderError::new(
            ErrorClass::Malformed,
            "the response is not from a token endpoint",
        )
    })
}

impl<'a> TokenSource<'a> {
    fn secret(&self) -> &'a str {
        match *self {
            Self::ServiceAccount { json, .. } => service_account::secret(json),
            Self::EntraClient { client_secret, .. } => client_secret,
        }
    }
}

/// A token response (RFC 6749, 5.1).
#[derive(Deserialize)]
struct TokenResponse<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow)]
    token_type: Option<Text<'a>>,
    /// Seconds, which some servers send as text.
    #[serde(borrow)]
    expires_in: Text<'a>,
}

fn token(body: &[u8]) -> Option<AccessToken> {
    let granted: TokenResponse<'_> = serde_json::from_slice(body).ok()?;
    let token = Zeroizing::new(granted.access_token.into_owned());
    let kind = granted.token_type.as_deref().unwrap_or(BEARER);
    let seconds: u64 = granted.expires_in.parse().ok()?;
    let is_bearer = kind.eq_ignore_ascii_case(BEARER);
    (is_bearer && !token.is_empty()).then(|| AccessToken {
        token,
        expires_in: Duration::from_secs(seconds.min(MAX_LIFETIME_SECONDS)),
    })
}

/// Builds a form request whose body is zeroized on drop.
fn form(uri: Uri, fields: &[(&str, &str)]) -> WireRequest {
    // Percent-encoding may triple the length. The buffer is allocated once, so that no partial copy
    // of the secret remains.
    let room = fields
        .iter()
        .map(|(name, value)| 3 * (name.len() + value.len()) + 2);
    let mut text = Serializer::new(String::with_capacity(room.sum()));
    for (name, value) in fields {
        text.append_pair(name, value);
    }
    let body = Zeroizing::new(text.finish().into_bytes());
    let mut headers = HeaderMap::with_capacity(4);
    for (name, value) in [
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        (header::ACCEPT, JSON),
        (header::ACCEPT_ENCODING, "identity"),
        (header::USER_AGENT, USER_AGENT),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    WireRequest {
        method: Method::POST,
        uri,
        headers,
        body: Bytes::from_owner(body),
    }
}

const BEARER: &str = "Bearer";

/// One day. Real tokens live shorter.
const MAX_LIFETIME_SECONDS: u64 = 86_400;

#[cfg(test)]
mod tests;
