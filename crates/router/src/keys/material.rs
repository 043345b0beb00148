//! What was leased: the secret in the form that its provider issues.

use latchkey_contract::vault::v1::{KeyMaterial, key_material};
use latchkey_providers::Credential;
use latchkey_providers::oauth::TokenSource;
use url::Url;
use zeroize::Zeroizing;

/// A secret. It has no `Debug`, and is wiped when it goes.
pub(super) enum Material {
    /// Sent as it is; empty for an endpoint that wants none.
    ApiKey(Zeroizing<String>),
    /// Tokens are got with it at Microsoft Entra.
    EntraClient {
        tenant_id: String,
        client_id: String,
        client_secret: Zeroizing<String>,
    },
    /// Tokens are got with it at Google: the JSON of a service account.
    ServiceAccount(Zeroizing<String>),
}

impl Material {
    /// The secret of a message, which must have one.
    pub(super) fn read(message: Option<KeyMaterial>) -> Option<Self> {
        Some(match message?.kind? {
            key_material::Kind::ApiKey(key) => Self::ApiKey(Zeroizing::new(key)),
            key_material::Kind::ServiceAccountJson(json) => {
                Self::ServiceAccount(Zeroizing::new(json))
            }
            key_material::Kind::EntraClient(client) => Self::EntraClient {
                tenant_id: client.tenant_id,
                client_id: client.client_id,
                client_secret: Zeroizing::new(client.client_secret),
            },
        })
    }

    /// What is sent as it is; none where a token must be got first.
    pub(super) fn credential(&self) -> Option<Credential<'_>> {
        match self {
            Self::ApiKey(key) => Some(Credential::api_key(key)),
            Self::EntraClient { .. } | Self::ServiceAccount(_) => None,
        }
    }

    /// What a token is got with, at this address.
    pub(super) fn token_source<'a>(&'a self, url: &'a Url) -> Option<TokenSource<'a>> {
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
