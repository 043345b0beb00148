//! The secret itself: its kinds, the kinds that each provider takes, and the checks of its format.
//!
//! Only a text that is certainly wrong is refused: providers change their prefixes, and a strict check
//! locks new customers out. The forms are those that the providers issued in November 2026.

mod api_key;
mod entra_client;
mod pem;
mod service_account;
mod text;

use latchkey_contract::ProviderId;
use latchkey_envelope::Secret;
use serde::Serialize;

pub use api_key::{ApiKey, ApiKeyError};
pub use entra_client::{EntraClient, EntraClientError};
pub(super) use service_account::is_cloud_project;
pub use service_account::{ServiceAccount, ServiceAccountError, WrongType};
pub use text::TextError;

/// The kind of secret that a payload holds. The seal and the row are bound to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretKind {
    /// One text.
    ApiKey,
    /// An application registered with Microsoft Entra, and its secret.
    EntraClient,
    /// The key of a Google service account.
    ServiceAccount,
}

impl SecretKind {
    /// The word for it in rows and seals: the field of the message that it comes in.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::EntraClient => "entra_client",
            Self::ServiceAccount => "service_account_json",
        }
    }

    /// The kind that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::ApiKey, Self::EntraClient, Self::ServiceAccount]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// The path of the field in a request.
    const fn field(self) -> &'static str {
        match self {
            Self::ApiKey => "material.api_key",
            Self::EntraClient => "material.entra_client",
            Self::ServiceAccount => "material.service_account_json",
        }
    }
}

/// Material as its owner gives it, unchecked.
pub enum MaterialInput {
    /// One text.
    ApiKey(String),
    /// An application registered with Microsoft Entra.
    EntraClient {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: String,
    },
    /// The JSON file of a service account.
    ServiceAccountJson(String),
}

impl MaterialInput {
    fn kind(&self) -> SecretKind {
        match self {
            Self::ApiKey(_) => SecretKind::ApiKey,
            Self::EntraClient { .. } => SecretKind::EntraClient,
            Self::ServiceAccountJson(_) => SecretKind::ServiceAccount,
        }
    }
}

/// A secret that can be one of its provider's.
pub enum Material {
    /// One text.
    ApiKey(ApiKey),
    /// An application registered with Microsoft Entra, and its secret.
    EntraClient(EntraClient),
    /// The key of a Google service account.
    ServiceAccount(ServiceAccount),
}

/// The reason for which material is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MaterialError {
    /// The provider takes secrets of another kind.
    #[error("is of a kind that this provider does not take: give {takes}")]
    Kind {
        /// The path of the field.
        field: &'static str,
        /// The fields to give instead.
        takes: &'static str,
    },
    /// Its form is wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// The reason for which a secret has the wrong form. The text tells the owner what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormatError {
    /// It can't be an API key of its provider.
    #[error("the key {0}")]
    ApiKey(ApiKeyError),
    /// It can't be an application that signs in.
    #[error("the client {0}")]
    EntraClient(EntraClientError),
    /// It can't be a service account that signs in.
    #[error("the service account file {0}")]
    ServiceAccount(ServiceAccountError),
}

impl From<ApiKeyError> for FormatError {
    fn from(error: ApiKeyError) -> Self {
        Self::ApiKey(error)
    }
}

impl From<EntraClientError> for FormatError {
    fn from(error: EntraClientError) -> Self {
        Self::EntraClient(error)
    }
}

impl From<ServiceAccountError> for FormatError {
    fn from(error: ServiceAccountError) -> Self {
        Self::ServiceAccount(error)
    }
}

impl FormatError {
    /// The path of the field that is wrong.
    pub const fn field(self) -> &'static str {
        match self {
            Self::ApiKey(_) => SecretKind::ApiKey.field(),
            Self::EntraClient(error) => error.field(),
            Self::ServiceAccount(error) => error.field(),
        }
    }
}

impl Material {
    /// Reads material, if it can be that of `provider`.
    pub fn parse(given: MaterialInput, provider: ProviderId) -> Result<Self, MaterialError> {
        check_kind(given.kind(), provider)?;
        let parsed = match given {
            MaterialInput::ApiKey(text) => ApiKey::parse(text, provider).map(Self::ApiKey)?,
            MaterialInput::EntraClient {
                tenant_id,
                client_id,
                client_secret,
            } => {
                let client = EntraClient::parse(&tenant_id, &client_id, client_secret);
                client.map(Self::EntraClient)?
            }
            MaterialInput::ServiceAccountJson(json) => {
                ServiceAccount::parse(json).map(Self::ServiceAccount)?
            }
        };
        Ok(parsed)
    }

    /// Material from an opened payload. `None` where it is not of that kind, which no vault seals.
    pub fn from_payload(kind: SecretKind, payload: Secret) -> Option<Self> {
        match kind {
            SecretKind::ApiKey => ApiKey::from_payload(payload).map(Self::ApiKey),
            SecretKind::EntraClient => {
                EntraClient::from_payload(payload.expose()).map(Self::EntraClient)
            }
            SecretKind::ServiceAccount => {
                ServiceAccount::from_payload(payload.expose()).map(Self::ServiceAccount)
            }
        }
    }

    /// The payload to seal.
    pub fn to_payload(&self) -> Secret {
        match self {
            Self::ApiKey(key) => Secret::new(key.expose().as_bytes().to_vec()),
            Self::EntraClient(client) => client.to_json(),
            Self::ServiceAccount(account) => account.to_json(),
        }
    }

    /// The kind.
    pub fn kind(&self) -> SecretKind {
        match self {
            Self::ApiKey(_) => SecretKind::ApiKey,
            Self::EntraClient(_) => SecretKind::EntraClient,
            Self::ServiceAccount(_) => SecretKind::ServiceAccount,
        }
    }

    /// The last four characters of the text that people recognise it by: the key, the client's secret,
    /// or the id of the service account's key. Empty for a text shorter than 24, where they would reveal
    /// too much.
    pub fn tail(&self) -> String {
        match self {
            Self::ApiKey(key) => text::tail(key.expose()),
            Self::EntraClient(client) => text::tail(client.client_secret()),
            Self::ServiceAccount(account) => text::tail(account.private_key_id()),
        }
    }

    /// The parts that identify the secret in whatever notation; for the fingerprint. An API key has no
    /// kind among them, as in versions that knew no other kind.
    pub fn identity(&self) -> Vec<&[u8]> {
        let kind = self.kind().as_str().as_bytes();
        match self {
            Self::ApiKey(key) => vec![key.expose().as_bytes()],
            Self::EntraClient(client) => [&[kind][..], &client.identity()].concat(),
            Self::ServiceAccount(account) => [&[kind][..], &account.identity()].concat(),
        }
    }

    /// The Google Cloud project that it belongs to, if it names one.
    pub fn cloud_project(&self) -> Option<&str> {
        match self {
            Self::ServiceAccount(account) => Some(account.project_id()),
            Self::ApiKey(_) | Self::EntraClient(_) => None,
        }
    }
}

fn check_kind(given: SecretKind, provider: ProviderId) -> Result<(), MaterialError> {
    let (kinds, takes): (&[SecretKind], _) = match provider {
        ProviderId::Azure => (
            &[SecretKind::ApiKey, SecretKind::EntraClient],
            "api_key or entra_client",
        ),
        ProviderId::Vertex => (&[SecretKind::ServiceAccount], "service_account_json"),
        ProviderId::Anthropic
        | ProviderId::Custom
        | ProviderId::DeepSeek
        | ProviderId::Google
        | ProviderId::OpenAi
        | ProviderId::OpenRouter => (&[SecretKind::ApiKey], "api_key"),
    };
    if kinds.contains(&given) {
        return Ok(());
    }
    let field = given.field();
    Err(MaterialError::Kind { field, takes })
}

/// The JSON of texts. `longest` is the length of the longest text: the buffer must not grow, because
/// the memory that a growing buffer leaves is not wiped.
fn to_json(texts: &impl Serialize, longest: usize) -> Secret {
    const REST: usize = 512;
    let mut json = Vec::with_capacity(2 * longest + REST);
    serde_json::to_writer(&mut json, texts).expect("texts are valid JSON");
    Secret::new(json)
}

#[cfg(test)]
mod tests;
