//! Platform keys from the environment, as a self-hosted deployment has them. The variables are those
//! that the providers' own tools read.

use std::env;

use latchkey_contract::vault::v1::key_material::Kind;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateKeyRequest, GetKeyRequest, Key, KeyMaterial,
};
use tonic::{Code, Status};

use super::services::Clients;

/// Variables and the provider whose key each holds.
const VARIABLES: [(&str, &str); 5] = [
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("DEEPSEEK_API_KEY", "deepseek"),
    ("GEMINI_API_KEY", "google"),
    ("OPENAI_API_KEY", "openai"),
    ("OPENROUTER_API_KEY", "openrouter"),
];

/// A key that the environment holds.
struct Found {
    variable: &'static str,
    key: Key,
    kind: Kind,
    tail: String,
}

/// Stores each key that is there; one that its provider refuses is reported and left out.
pub(super) async fn import(clients: &Clients) {
    let keys = VARIABLES.into_iter().filter_map(api_key);
    for found in keys.chain(azure()).chain(vertex()) {
        let variable = found.variable;
        match store(clients, found).await {
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

fn api_key((variable, provider): (&'static str, &str)) -> Option<Found> {
    let api_key = env::var(variable).ok()?;
    Some(Found {
        variable,
        key: of(provider),
        tail: tail(&api_key),
        kind: Kind::ApiKey(api_key),
    })
}

/// A resource of Azure's and its key.
fn azure() -> Option<Found> {
    let found = api_key(("AZURE_OPENAI_API_KEY", "azure"))?;
    let key = Key {
        base_url: env::var("AZURE_OPENAI_ENDPOINT").ok()?,
        ..found.key
    };
    Some(Found { key, ..found })
}

/// A service account's file, and where Vertex AI is asked.
fn vertex() -> Option<Found> {
    const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
    let file = env::var(VARIABLE).ok()?;
    let json = match std::fs::read_to_string(&file) {
        Ok(json) => json,
        Err(problem) => {
            let problem = &problem as &dyn std::error::Error;
            tracing::error!(error = problem, "the file of {VARIABLE} cannot be read");
            return None;
        }
    };
    let location = env::var("GOOGLE_CLOUD_LOCATION").ok();
    let key = Key {
        location: location.unwrap_or_else(|| "global".to_owned()),
        cloud_project: env::var("GOOGLE_CLOUD_PROJECT").unwrap_or_default(),
        ..of("vertex")
    };
    let account: Option<serde_json::Value> = serde_json::from_str(&json).ok();
    let id = account
        .as_ref()
        .and_then(|account| account["private_key_id"].as_str());
    Some(Found {
        variable: VARIABLE,
        key,
        tail: tail(id.unwrap_or_default()),
        kind: Kind::ServiceAccountJson(json),
    })
}

fn of(provider: &str) -> Key {
    Key {
        provider: provider.to_owned(),
        ..Key::default()
    }
}

/// The last four characters, by which a key of an earlier run is known again.
fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(4);
    text.chars().skip(skipped).collect()
}

async fn store(clients: &Clients, found: Found) -> Result<Key, Status> {
    let mut keys = KeyServiceClient::new(clients.vault.clone());
    let Found {
        key, kind, tail, ..
    } = found;
    let material = Some(KeyMaterial { kind: Some(kind) });
    let name = format!("platform/keys/{}", key.provider);
    match keys.get_key(GetKeyRequest { name: name.clone() }).await {
        // From an earlier run, and by its tail and place the same.
        Ok(stored) if is_same(stored.get_ref(), &key, &tail) => Ok(stored.into_inner()),
        Ok(_) => {
            let request = AddKeyVersionRequest {
                name,
                material,
                base_url: key.base_url,
                location: key.location,
                cloud_project: key.cloud_project,
                ..Default::default()
            };
            let added = keys.add_key_version(request).await?.into_inner();
            Ok(added.key.unwrap_or_default())
        }
        Err(status) if status.code() == Code::NotFound => {
            let request = CreateKeyRequest {
                parent: "platform".to_owned(),
                key_id: key.provider.clone(),
                key: Some(key),
                material,
                ..Default::default()
            };
            Ok(keys.create_key(request).await?.into_inner())
        }
        Err(status) => Err(status),
    }
}

fn is_same(stored: &Key, found: &Key, tail: &str) -> bool {
    let place = |key: &Key| {
        let base_url = key.base_url.trim_end_matches('/').to_owned();
        (base_url, key.location.clone())
    };
    let project = &found.cloud_project;
    let same_project = project.is_empty() || *project == stored.cloud_project;
    stored.material_tail == tail && place(stored) == place(found) && same_project
}
