//! New keys and their material, from the message.

use latchkey_contract::ProviderId;
use latchkey_contract::names::ResourceId;
use latchkey_contract::vault::v1::{InitialKey, Key as Message, KeyMaterial, key_material};

use super::settings;
use crate::domain::destination::Directions;
use crate::domain::material::MaterialInput;
use crate::error::VaultError;
use crate::intake::NewKey;

/// The fields of a new key.
pub(super) fn new_key(
    slug: ResourceId,
    message: &Message,
    given: Option<KeyMaterial>,
    skip_verification: bool,
) -> Result<NewKey<'_>, VaultError> {
    let provider: ProviderId = message
        .provider
        .parse()
        .map_err(|error| VaultError::field("key.provider", error))?;
    Ok(NewKey {
        slug,
        provider,
        settings: settings::decode(message)?,
        material: material(given),
        directions: Directions {
            base_url: &message.base_url,
            location: &message.location,
            cloud_project: &message.cloud_project,
            api_version: &message.api_version,
        },
        skip_verification,
    })
}

/// A key that comes with its workspace or project. Its material is taken out of the message.
pub(in crate::services) fn initial_key(message: &mut InitialKey) -> Result<NewKey<'_>, VaultError> {
    let slug = message.key_id.parse().map_err(VaultError::name("key_id"))?;
    let (given, skip) = (message.material.take(), message.skip_verification);
    let key = message.key.get_or_insert_default();
    new_key(slug, key, given, skip)
}

/// The material that a message holds.
pub(super) fn material(message: Option<KeyMaterial>) -> Option<MaterialInput> {
    Some(match message?.kind? {
        key_material::Kind::ApiKey(text) => MaterialInput::ApiKey(text),
        key_material::Kind::EntraClient(client) => MaterialInput::EntraClient {
            tenant_id: client.tenant_id,
            client_id: client.client_id,
            client_secret: client.client_secret,
        },
        key_material::Kind::ServiceAccountJson(json) => MaterialInput::ServiceAccountJson(json),
    })
}
