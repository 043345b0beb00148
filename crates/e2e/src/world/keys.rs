//! Keys of the providers in [`World`].

use latchkey_contract::vault::v1::{CreateKeyRequest, EntraClient, Key, KeyMaterial, key_material};

use super::World;
use crate::requests::custom_key;

/// A request to store a key of any provider, with the settings that the provider requires.
pub fn world_key(
    world: &World,
    parent: &str,
    id: &str,
    provider: &str,
    api_key: &str,
) -> CreateKeyRequest {
    let own_address = ["anthropic", "azure", "custom", "openai"].contains(&provider);
    let key = Key {
        provider: provider.to_owned(),
        base_url: if own_address {
            world.base_url(provider)
        } else {
            String::new()
        },
        location: if provider == "vertex" { "global" } else { "" }.to_owned(),
        ..Key::default()
    };
    let mut request = custom_key(parent, id, key, api_key);
    if provider == "vertex" {
        request.material = Some(KeyMaterial {
            kind: Some(key_material::Kind::ServiceAccountJson(service_account())),
        });
    }
    request
}

/// An application of Microsoft Entra, by its id.
pub fn entra_client(client_id: &str) -> KeyMaterial {
    KeyMaterial {
        kind: Some(key_material::Kind::EntraClient(EntraClient {
            tenant_id: "5d0c1e9a-7a0b-4c6d-8e1f-2a3b4c5d6e7f".to_owned(),
            client_id: client_id.to_owned(),
            client_secret: format!("not-a-real-secret-of-{client_id}"),
        })),
    }
}

/// The service account of the keys of [`world_key`].
pub fn service_account() -> String {
    service_account_of("latchkey@acme-models.iam.gserviceaccount.example")
}

/// A service account with a public test key: testRSA2048 of RFC 9500, 2.1.
pub fn service_account_of(client_email: &str) -> String {
    const RFC_9500: &str = include_str!("../../../vault/tests/data/rfc9500_rsa_2048.pkcs8.base64");
    let private_key = format!("-----BEGIN PRIVATE KEY-----\n{RFC_9500}-----END PRIVATE KEY-----\n");
    let account = serde_json::json!({
        "type": "service_account",
        "project_id": "acme-models",
        "private_key_id": format!("{client_email}-not-a-real-key-id-0123456789"),
        "private_key": private_key,
        "client_email": client_email,

    });
    account.to_string()
}
