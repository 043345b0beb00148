//! The key of a Google service account, from the JSON file that Google Cloud issues.
//!
//! Sealed as one JSON object of the fields that signing in needs, the private key in PEM with repaired
//! line breaks: `{"type":"service_account","project_id":"…","private_key_id":"…",
//! "private_key":"…","client_email":"…"}`. The file's addresses are dropped: tokens are
//! requested from Google's own endpoint alone. An address of the file could collect signed assertions.

use latchkey_boot::config::SecretString;
use latchkey_envelope::Secret;
use serde::{Deserialize, Serialize};

use super::{FormatError, pem};

/// The account and its key.
pub struct ServiceAccount {
    project_id: String,
    private_key_id: String,
    client_email: String,
    private_key: Secret,
}

/// The reason for which it can't sign in. The text tells the owner what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ServiceAccountError {
    /// The address of the account is missing.
    #[error("needs its client_email: give the file as Google Cloud made it")]
    ClientEmail,
    /// Not a JSON object.
    #[error("must be the JSON file that Google Cloud made, whole and unchanged")]
    Json,
    /// Longer than any such file.
    #[error("is longer than 16,384 characters")]
    Long,
    /// The private key is missing or can't sign.
    #[error("needs its private_key: an RSA key in PEM, `BEGIN PRIVATE KEY`")]
    PrivateKey,
    /// The id of the key is missing.
    #[error("needs its private_key_id: give the file as Google Cloud made it")]
    PrivateKeyId,
    /// The project is missing or malformed.
    #[error("needs its project_id, of the form [a-z0-9:.-]{{4,63}}")]
    ProjectId,
    /// Another token endpoint.
    #[error("must have `https://oauth2.googleapis.com/token` as its token_uri, or none")]
    TokenUri,
    /// Another kind of file.
    #[error("{0}")]
    Type(WrongType),
    /// Another universe domain than the public one.
    #[error("must have `googleapis.com` as its universe_domain, or none")]
    UniverseDomain,
}

/// The kind of a file that is not a service account's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WrongType {
    /// The login of a person.
    #[error("is the login of a person (authorized_user): create a key of a service account")]
    AuthorizedUser,
    /// A configuration that may read files, call addresses and run programs.
    #[error(
        "is a configuration of identity federation (external_account), which refers to a \
         credential and holds none: create a key of a service account"
    )]
    ExternalAccount,
    /// A configuration that acts with another account's rights.
    #[error(
        "is a configuration of impersonation (impersonated_service_account): create a key of the \
         service account itself"
    )]
    ImpersonatedServiceAccount,
    /// The client of an application that people log in with.
    #[error("is an OAuth client, which people log in with: create a key of a service account")]
    OauthClient,
    /// Another or no type.
    #[error("must have `service_account` as its type: create a key of a service account")]
    Unknown,
}

impl ServiceAccountError {
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::ClientEmail => "material.service_account_json.client_email",
            Self::Json | Self::Long => "material.service_account_json",
            Self::PrivateKey => "material.service_account_json.private_key",
            Self::PrivateKeyId => "material.service_account_json.private_key_id",
            Self::ProjectId => "material.service_account_json.project_id",
            Self::TokenUri => "material.service_account_json.token_uri",
            Self::Type(_) => "material.service_account_json.type",
            Self::UniverseDomain => "material.service_account_json.universe_domain",
        }
    }
}

/// The file, as far as it matters.
#[derive(Deserialize)]
struct File {
    r#type: Option<String>,
    project_id: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<SecretString>,
    client_email: Option<String>,
    token_uri: Option<String>,
    universe_domain: Option<String>,
    // The two kinds of OAuth client have one of these in place of a type.
    installed: Option<serde::de::IgnoredAny>,
    web: Option<serde::de::IgnoredAny>,
}

/// The sealed form.
#[derive(Serialize)]
struct Sealed<'a> {
    r#type: &'a str,
    project_id: &'a str,
    private_key_id: &'a str,
    private_key: &'a str,
    client_email: &'a str,
}

const TYPE: &str = "service_account";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const UNIVERSE: &str = "googleapis.com";
/// A file with a key of 4,096 bits has some 4,500.
const LONGEST: usize = 16_384;
/// RFC 5321, 4.5.3.1.3, without its brackets.
const MAX_EMAIL: usize = 254;
const MAX_KEY_ID: usize = 128;

impl ServiceAccount {
    pub(super) fn parse(json: String) -> Result<Self, FormatError> {
        let json = SecretString::new(json);
        if json.expose().len() > LONGEST {
            return Err(ServiceAccountError::Long.into());
        }
        let text = json.expose().trim_start_matches('\u{feff}').as_bytes();
        let file: File = serde_json::from_slice(text).map_err(|_| ServiceAccountError::Json)?;
        check_type(&file)?;
        check_endpoints(&file)?;
        let private_key = file.private_key.ok_or(ServiceAccountError::PrivateKey)?;
        Ok(Self {
            project_id: file
                .project_id
                .filter(|id| is_cloud_project(id))
                .ok_or(ServiceAccountError::ProjectId)?,
            private_key_id: file
                .private_key_id
                .filter(|id| is_word(id, MAX_KEY_ID))
                .ok_or(ServiceAccountError::PrivateKeyId)?,
            client_email: file
                .client_email
                .filter(|email| is_word(email, MAX_EMAIL) && email.contains('@'))
                .ok_or(ServiceAccountError::ClientEmail)?,
            private_key: pem::read(private_key.expose()).ok_or(ServiceAccountError::PrivateKey)?,
        })
    }

    pub(super) fn from_payload(payload: &[u8]) -> Option<Self> {
        let file: File = serde_json::from_slice(payload).ok()?;
        Some(Self {
            project_id: file.project_id?,
            private_key_id: file.private_key_id?,
            client_email: file.client_email?,
            private_key: pem::decode(file.private_key?.expose())?,
        })
    }

    /// The file, reduced to what signing in takes.
    pub fn to_json(&self) -> Secret {
        let private_key = pem::write(&self.private_key);
        let sealed = Sealed {
            r#type: TYPE,
            project_id: &self.project_id,
            private_key_id: &self.private_key_id,
            private_key: &private_key,
            client_email: &self.client_email,
        };
        super::to_json(&sealed, private_key.len() + self.client_email.len())
    }

    /// The same key of the same account, however its file was mangled.
    pub(super) fn identity(&self) -> [&[u8]; 2] {
        [self.client_email.as_bytes(), self.private_key.expose()]
    }

    /// The project that the account lives in.
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// The id of the account's key, as Google shows it beside the account.
    pub fn private_key_id(&self) -> &str {
        &self.private_key_id
    }
}

/// Whether a text can be the id of a Google Cloud project: `[a-z0-9:.-]{4,63}`. It becomes part of a
/// path.
pub(in crate::domain) fn is_cloud_project(text: &str) -> bool {
    (4..=63).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ":.-".contains(c))
}

fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
}

fn check_type(file: &File) -> Result<(), ServiceAccountError> {
    let wrong = match file.r#type.as_deref() {
        Some(TYPE) => return Ok(()),
        Some("authorized_user") => WrongType::AuthorizedUser,
        Some("external_account" | "external_account_authorized_user") => WrongType::ExternalAccount,
        Some("impersonated_service_account") => WrongType::ImpersonatedServiceAccount,
        None if file.installed.is_some() || file.web.is_some() => WrongType::OauthClient,
        Some(_) | None => WrongType::Unknown,
    };
    Err(ServiceAccountError::Type(wrong))
}

fn check_endpoints(file: &File) -> Result<(), ServiceAccountError> {
    let differs =
        |given: &Option<String>, expected| given.as_deref().is_some_and(|given| given != expected);
    if differs(&file.token_uri, TOKEN_URI) {
        return Err(ServiceAccountError::TokenUri);
    }
    if differs(&file.universe_domain, UNIVERSE) {
        return Err(ServiceAccountError::UniverseDomain);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
