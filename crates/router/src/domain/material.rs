//! The secret of a key, in the form that its provider issues.

use latchkey_providers::Credential;
use latchkey_providers::oauth::TokenSource;
use url::Url;
use zeroize::Zeroizing;

/// A secret. It has no `Debug`, and is wiped when it is dropped.
pub enum Material {
    /// Sent as it is; empty for an endpoint without authentication.
    ApiKey(Zeroizing<String>),
    /// Exchanged for access tokens at Microsoft Entra.
    EntraClient {
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// The application's secret.
        client_secret: Zeroizing<String>,
    },
    /// Exchanged for access tokens at Google: the JSON of a service account.
    ServiceAccount(Zeroizing<String>),
}

impl Material {
    /// The credential of a call; none where an access token is needed.
    pub fn credential(&self) -> Option<Credential<'_>> {
        match self {
            Self::ApiKey(key) => Some(Credential::api_key(key)),
            Self::EntraClient { .. } | Self::ServiceAccount(_) => None,
        }
    }

    /// The source of access tokens at an issuer's address; none for an API key.
    pub fn token_source<'a>(&'a self, url: &'a Url) -> Option<TokenSource<'a>> {
        match self {
            Self::ApiKey(_) => None,
            Self::EntraClient {
                tenant_id,
                client_id,
                client_secret,
            } => Some(TokenSource::EntraClient {
                tenant_id,
                client_id,
                client_secret,
                authority: url,
            }),
            Self::ServiceAccount(json) => Some(TokenSource::ServiceAccount { json, url }),
        }
    }
}
