//! Stores a key from the environment as a platform key.

use std::time::Duration;

use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::{
    AddKeyVersionRequest, CreateKeyRequest, GetKeyRequest, Key, KeyMaterial,
};
use latchkey_rpc::client::AuthorizedChannel;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::variables::Held;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Creates the key, or adds a version when its material or address has changed. Tries again until the
/// deadline while the vault, or a router to verify the key, is unavailable.
pub(super) async fn store(
    keys: &mut KeyServiceClient<AuthorizedChannel>,
    held: Held,
    deadline: Instant,
) -> Result<Key, Status> {
    loop {
        match store_once(keys, &held).await {
            Err(status) if status.code() == Code::Unavailable && Instant::now() < deadline => {
                tokio::time::sleep_until(deadline.min(Instant::now() + PAUSE)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn store_once(
    keys: &mut KeyServiceClient<AuthorizedChannel>,
    held: &Held,
) -> Result<Key, Status> {
    let Held {
        id,
        key,
        kind,
        tail,
    } = held;
    let material = Some(KeyMaterial {
        kind: Some(kind.clone()),
    });
    let name = format!("platform/keys/{id}");
    match keys.get_key(GetKeyRequest { name: name.clone() }).await {
        Ok(stored) if is_same(stored.get_ref(), key, tail) => Ok(stored.into_inner()),
        Ok(_) => {
            let request = AddKeyVersionRequest {
                name,
                material,
                base_url: key.base_url.clone(),
                location: key.location.clone(),
                cloud_project: key.cloud_project.clone(),
                ..Default::default()
            };
            let added = keys.add_key_version(request).await?.into_inner();
            Ok(added.key.unwrap_or_default())
        }
        Err(status) if status.code() == Code::NotFound => {
            let request = CreateKeyRequest {
                parent: "platform".to_owned(),
                key_id: id.clone(),
                key: Some(key.clone()),
                material,
                ..Default::default()
            };
            Ok(keys.create_key(request).await?.into_inner())
        }
        Err(status) => Err(status),
    }
}

/// Whether the stored key has this tail and the address of `found`.
fn is_same(stored: &Key, found: &Key, tail: &str) -> bool {
    let address = |key: &Key| {
        let base_url = key.base_url.trim_end_matches('/').to_owned();
        (base_url, key.location.clone())
    };
    let project = &found.cloud_project;
    let same_project = project.is_empty() || *project == stored.cloud_project;
    stored.material_tail == tail && address(stored) == address(found) && same_project
}
