//! Keys that are no credentials yet: they are exchanged for tokens that live for an hour (OAuth 2.0,
//! RFC 6749), which are asked for and read here. Whoever sends the request keeps the token.

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

/// Where Google gives tokens. A service account's file names an address too; it is never used, for
/// whoever wrote the file would be sent a signed assertion.
pub const GOOGLE_TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

/// Where Microsoft Entra gives tokens, in the public cloud; each directory has a path below.
pub const ENTRA_AUTHORITY: &str = "https://login.microsoftonline.com";

/// What a token is given for, and who gives it. It holds a secret and has no `Debug`.
#[derive(Clone, Copy)]
pub enum TokenSource<'a> {
    /// Google Cloud's service account: it signs that it is who it is (RFC 7523).
    ServiceAccount {
        /// Its file, whole.
        json: &'a str,
        /// Whom to ask: [`GOOGLE_TOKEN_URL`], unless an operator says otherwise.
        url: &'a Url,
    },
    /// An application of Microsoft Entra's: it shows a secret (RFC 6749, 4.4).
    EntraClient {
        /// The directory: a UUID or a domain.
        tenant_id: &'a str,
        /// The application.
        client_id: &'a str,
        /// Its secret.
        client_secret: &'a str,
        /// Whom to ask: [`ENTRA_AUTHORITY`], unless an operator says otherwise.
        authority: &'a Url,
    },
}

/// A token: a [`Credential::Bearer`]. It has no `Debug`, and is wiped when it is dropped.
///
/// [`Credential::Bearer`]: crate::Credential::Bearer
pub struct AccessToken {
    /// As it goes into the header.
    pub token: Zeroizing<String>,
    /// How long it lives from when it was asked for.
    pub expires_in: Duration,
}

/// Asks for a token. Costs nothing.
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

/// Reads a token, or why there is none. The secret is the source's own; the reply need not name one.
pub fn read(source: &TokenSource<'_>, reply: &Reply<'_>) -> Result<AccessToken, ProviderError> {
    if !reply.status.is_success() || error::contains_error(reply.body) {
        return Err(error::no_token(reply, source.secret()));
    }
    token(reply.body).ok_or_else(|| ProviderError {
        http_status: Some(reply.status.as_u16()),
        // Nothing of the body is shown: it may hold a token after all.
        ..ProviderError::new(ErrorClass::Malformed, "not an answer of a token endpoint")
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

/// RFC 6749, 5.1.
#[derive(Deserialize)]
struct Granted<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow)]
    token_type: Option<Text<'a>>,
    /// Seconds; text at some.
    #[serde(borrow)]
    expires_in: Text<'a>,
}

fn token(body: &[u8]) -> Option<AccessToken> {
    let granted: Granted<'_> = serde_json::from_slice(body).ok()?;
    let token = Zeroizing::new(granted.access_token.into_owned());
    let kind = granted.token_type.as_deref().unwrap_or(BEARER);
    let seconds: u64 = granted.expires_in.parse().ok()?;
    let is_bearer = kind.eq_ignore_ascii_case(BEARER);
    (is_bearer && !token.is_empty()).then(|| AccessToken {
        token,
        expires_in: Duration::from_secs(seconds.min(MAX_LIFETIME_SECONDS)),
    })
}

/// A form, which is wiped once it was sent.
fn form(uri: Uri, fields: &[(&str, &str)]) -> WireRequest {
    // Every byte may become three. The room is taken at once, so that no copy of a part stays behind.
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

/// A day in seconds: nobody's tokens live longer.
const MAX_LIFETIME_SECONDS: u64 = 86_400;

#[cfg(test)]
mod tests;
