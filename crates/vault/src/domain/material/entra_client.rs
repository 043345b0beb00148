//! An application registered with Microsoft Entra, and the secret with which it signs in.
//!
//! Sealed as one JSON object of three texts, both ids in lower case:
//! `{"tenant_id":"…","client_id":"…","client_secret":"…"}`.

use latchkey_boot::config::SecretString;
use latchkey_envelope::Secret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FormatError;
use super::text::{self, TextError};

/// The application, its directory and its secret.
pub struct EntraClient {
    tenant_id: String,
    client_id: String,
    client_secret: SecretString,
}

/// The reason for which it can't sign in. The text tells the owner what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntraClientError {
    /// The id of the application is not a UUID.
    #[error("needs its Application (client) ID, a UUID")]
    ClientId,
    /// The secret has the wrong form.
    #[error("has a secret that {0}")]
    Secret(TextError),
    /// The id of the secret, which the portal shows beside it, in place of the secret.
    #[error("has the ID of its secret as the secret: give the secret's Value")]
    SecretId,
    /// The directory is neither a UUID nor a domain.
    #[error("needs its Directory (tenant) ID, a UUID, or a domain of the directory")]
    TenantId,
}

impl EntraClientError {
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::ClientId => "material.entra_client.client_id",
            Self::Secret(_) | Self::SecretId => "material.entra_client.client_secret",
            Self::TenantId => "material.entra_client.tenant_id",
        }
    }
}

/// The sealed form.
#[derive(Serialize)]
struct Sealed<'a> {
    tenant_id: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
}

/// The sealed form, read back.
#[derive(Deserialize)]
struct Opened {
    tenant_id: String,
    client_id: String,
    client_secret: SecretString,
}

impl EntraClient {
    pub(super) fn parse(
        tenant_id: &str,
        client_id: &str,
        client_secret: String,
    ) -> Result<Self, FormatError> {
        let client_secret = SecretString::new(client_secret);
        let client = Self {
            tenant_id: tenant(tenant_id).ok_or(EntraClientError::TenantId)?,
            client_id: uuid(client_id).ok_or(EntraClientError::ClientId)?,
            client_secret,
        };
        let secret = client.client_secret.expose();
        text::check(secret.as_bytes()).map_err(EntraClientError::Secret)?;
        if uuid(secret).is_some() {
            return Err(EntraClientError::SecretId.into());
        }
        Ok(client)
    }

    pub(super) fn from_payload(payload: &[u8]) -> Option<Self> {
        let opened: Opened = serde_json::from_slice(payload).ok()?;
        Some(Self {
            tenant_id: opened.tenant_id,
            client_id: opened.client_id,
            client_secret: opened.client_secret,
        })
    }

    pub(super) fn to_json(&self) -> Secret {
        let sealed = Sealed {
            tenant_id: &self.tenant_id,
            client_id: &self.client_id,
            client_secret: self.client_secret.expose(),
        };
        super::to_json(&sealed, self.tenant_id.len() + self.client_secret().len())
    }

    /// The parts that identify the secret: the directory has two names and is not among them.
    pub(super) fn identity(&self) -> [&[u8]; 2] {
        [self.client_id.as_bytes(), self.client_secret().as_bytes()]
    }

    /// The directory: a UUID or a domain.
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// The application: a UUID.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Its secret.
    pub fn client_secret(&self) -> &str {
        self.client_secret.expose()
    }
}

/// A UUID in the one form that Microsoft shows, in lower case.
fn uuid(text: &str) -> Option<String> {
    const HYPHENATED: usize = 36;
    let uuid = Uuid::try_parse(text).ok()?;
    (text.len() == HYPHENATED).then(|| uuid.to_string())
}

/// A UUID, or a domain with at least two labels (RFC 1035, 2.3.4). An application can't sign in to
/// `common` or `organizations` by itself.
fn tenant(text: &str) -> Option<String> {
    const MAX_DOMAIN: usize = 253;
    const MAX_LABEL: usize = 63;
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let domain = text.len() <= MAX_DOMAIN && text.contains('.') && text.split('.').all(label);
    uuid(text).or_else(|| domain.then(|| text.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "5D0C1E9A-7A0B-4C6D-8E1F-2A3B4C5D6E7F";
    const CLIENT: &str = "0A1B2C3D-4E5F-4A6B-9C8D-7E6F5A4B3C2D";
    const SECRET: &str = "not~a\\real\"client.secret-0123456wxyz";

    fn parse(tenant: &str, client: &str, secret: &str) -> Result<EntraClient, FormatError> {
        EntraClient::parse(tenant, client, secret.to_owned())
    }

    fn refusal(tenant: &str, client: &str, secret: &str) -> Option<(FormatError, &'static str)> {
        let error = parse(tenant, client, secret).err()?;
        Some((error, error.field()))
    }

    #[test]
    fn a_client_survives_sealing_and_opening() {
        let client = parse(TENANT, CLIENT, SECRET).ok().unwrap();
        let sealed = client.to_json();
        let expected = "{\"tenant_id\":\"5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f\",\
                        \"client_id\":\"0a1b2c3d-4e5f-4a6b-9c8d-7e6f5a4b3c2d\",\
                        \"client_secret\":\"not~a\\\\real\\\"client.secret-0123456wxyz\"}";
        assert_eq!(std::str::from_utf8(sealed.expose()).unwrap(), expected);
        let opened = EntraClient::from_payload(sealed.expose()).unwrap();
        assert_eq!(opened.tenant_id(), TENANT.to_lowercase());
        assert_eq!(opened.client_id(), CLIENT.to_lowercase());
        assert_eq!(opened.client_secret(), SECRET);
        assert!(EntraClient::from_payload(b"{}").is_none());
    }

    #[test]
    fn a_directory_is_a_uuid_or_a_domain() {
        for tenant in [TENANT, "contoso.onmicrosoft.com", "Contoso.example"] {
            assert_eq!(refusal(tenant, CLIENT, SECRET), None, "{tenant}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for tenant in [
            "",
            "common",
            "organizations",
            "a..b",
            "a/b.example",
            "contoso.example/oauth2",
            " contoso.example",
            long.as_str(),
            "{5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f}",
        ] {
            let expected = (
                EntraClientError::TenantId.into(),
                "material.entra_client.tenant_id",
            );
            assert_eq!(refusal(tenant, CLIENT, SECRET), Some(expected), "{tenant}");
        }
    }

    #[test]
    fn an_application_is_a_uuid() {
        for client in [
            "",
            "my-app",
            "0a1b2c3d4e5f4a6b9c8d7e6f5a4b3c2d",
            "contoso.example",
        ] {
            let expected = (
                EntraClientError::ClientId.into(),
                "material.entra_client.client_id",
            );
            assert_eq!(refusal(TENANT, client, SECRET), Some(expected), "{client}");
        }
    }

    #[test]
    fn a_secret_is_the_value_and_not_its_id() {
        let field = "material.entra_client.client_secret";
        let expected = (EntraClientError::SecretId.into(), field);
        assert_eq!(refusal(TENANT, CLIENT, CLIENT), Some(expected));
        for (secret, error) in [
            ("", TextError::Short),
            ("not a secret", TextError::WhiteSpace),
            ("\"not-a-secret\"", TextError::Quoted),
        ] {
            let expected = (EntraClientError::Secret(error).into(), field);
            assert_eq!(refusal(TENANT, CLIENT, secret), Some(expected));
        }
    }

    #[test]
    fn both_names_of_a_directory_give_the_same_identity() {
        let by_uuid = parse(TENANT, CLIENT, SECRET).ok().unwrap();
        let by_domain = parse("contoso.example", &CLIENT.to_lowercase(), SECRET).ok();
        assert_eq!(by_uuid.identity(), by_domain.unwrap().identity());
    }
}
