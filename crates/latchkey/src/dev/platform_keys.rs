//! Platform keys from the environment, as a self-hosted deployment has them.

use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateKeyRequest, GetKeyRequest, Key, KeyMaterial, key_material,
};
use tonic::{Code, Status};

use super::services::Clients;

/// Variables and the provider whose key each holds.
const VARIABLES: [(&str, &str); 2] = [
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("OPENAI_API_KEY", "openai"),
];

/// Stores each key that is there; one that its provider refuses is reported and left out.
pub(super) async fn import(clients: &Clients) {
    for (variable, provider) in VARIABLES {
        let Ok(api_key) = std::env::var(variable) else {
            continue;
        };
        match store(clients, provider, api_key).await {
            Ok(key) => {
                let (name, tail) = (key.name, key.material_tail);
                tracing::info!(name, tail, "{variable} is a platform key");
            }
            Err(status) => {
                tracing::error!(reason = status.message(), "{variable} is not used");
            }
        }
    }
}

async fn store(clients: &Clients, provider: &str, api_key: String) -> Result<Key, Status> {
    let mut keys = KeyServiceClient::new(clients.vault.clone());
    let tail: String = api_key
        .chars()
        .skip(api_key.chars().count().saturating_sub(4))
        .collect();
    let material = Some(KeyMaterial {
        kind: Some(key_material::Kind::ApiKey(api_key)),
    });
    let name = format!("platform/keys/{provider}");
    match keys.get_key(GetKeyRequest { name: name.clone() }).await {
        // From an earlier run, and by its tail the same.
        Ok(found) if found.get_ref().material_tail == tail => Ok(found.into_inner()),
        Ok(_) => {
            let request = AddKeyVersionRequest {
                name,
                material,
                ..Default::default()
            };
            let added = keys.add_key_version(request).await?.into_inner();
            Ok(added.key.unwrap_or_default())
        }
        Err(status) if status.code() == Code::NotFound => {
            let request = CreateKeyRequest {
                parent: "platform".to_owned(),
                key_id: provider.to_owned(),
                key: Some(Key {
                    provider: provider.to_owned(),
                    ..Default::default()
                }),
                material,
                ..Default::default()
            };
            Ok(keys.create_key(request).await?.into_inner())
        }
        Err(status) => Err(status),
    }
}
