//! Material of every kind, and keys that take it. None of it opens anything.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::{CreateKeyRequest, EntraClient, Key, KeyMaterial, key_material};
use serde_json::{Value, json};

use super::fixtures::{SECRET_TAIL, create_key, key_of, secret};

/// A key that the whole world has: testRSA2048 of RFC 9500, 2.1, in PKCS#8.
const RFC_9500: &str = include_str!("../../data/rfc9500_rsa_2048.pkcs8.base64");

/// The private key of every service account here, in PEM.
pub(crate) fn private_key() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{RFC_9500}-----END PRIVATE KEY-----\n")
}

/// The file of a service account, as Google Cloud makes it: another account for each name.
pub(crate) fn service_account_file(name: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": format!("not-a-real-key-id-012345-{SECRET_TAIL}"),
        "private_key": private_key(),
        "client_email": format!("{name}@acme-models.iam.gserviceaccount.example"),
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "client_x509_cert_url": "https://evil.example/certs",
        "universe_domain": "googleapis.com",
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what the field of a message takes"
)]
pub(crate) fn service_account(file: &Value) -> Option<KeyMaterial> {
    let kind = key_material::Kind::ServiceAccountJson(file.to_string());
    Some(KeyMaterial { kind: Some(kind) })
}

/// An application of Microsoft Entra with that secret.
pub(crate) fn entra(client_secret: &str) -> EntraClient {
    EntraClient {
        tenant_id: "5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f".to_owned(),
        client_id: "0a1b2c3d-4e5f-4a6b-9c8d-7e6f5a4b3c2d".to_owned(),
        client_secret: client_secret.to_owned(),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what the field of a message takes"
)]
pub(crate) fn entra_client(client: EntraClient) -> Option<KeyMaterial> {
    let kind = key_material::Kind::EntraClient(client);
    Some(KeyMaterial { kind: Some(kind) })
}

/// Where the Azure key of [`complete_key_of`] is sent.
pub(crate) const AZURE: &str = "https://acme.openai.azure.com";

/// A key of a provider, with what its destination needs.
pub(crate) fn complete_key_of(provider: &str) -> Key {
    let base_url = match provider {
        "azure" => AZURE,
        "custom" => "https://llm.example/v1",
        _ => "",
    };
    let location = match provider {
        "vertex" => "europe-west4",
        _ => "",
    };
    Key {
        base_url: base_url.to_owned(),
        location: location.to_owned(),
        ..key_of(provider)
    }
}

/// A request that stores a key of a provider, without asking a router.
pub(crate) fn create_key_of(provider: ProviderId, parent: &str, id: &str) -> CreateKeyRequest {
    let text = match provider {
        ProviderId::OpenAi => secret(parent, id),
        _ => format!("not-a-real-key-{}-{id}-{SECRET_TAIL}", provider.as_str()),
    };
    let material = match provider {
        ProviderId::Vertex => service_account(&service_account_file(id)),
        ProviderId::Azure
        | ProviderId::Anthropic
        | ProviderId::Custom
        | ProviderId::DeepSeek
        | ProviderId::Google
        | ProviderId::OpenAi
        | ProviderId::OpenRouter => super::material(&text),
    };
    CreateKeyRequest {
        key: Some(complete_key_of(provider.as_str())),
        material,
        ..create_key(parent, id)
    }
}
