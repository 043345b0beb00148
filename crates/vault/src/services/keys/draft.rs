//! A new key on its way in: read from its message, checked with its provider, and admitted to what it
//! belongs to. `CreateKey` takes one, a new workspace or project brings some.

use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, KeyParent, ResourceId};
use latchkey_contract::vault::v1::{Key as Message, KeyMaterial};

use super::intake::{self, Intake};
use super::settings;
use crate::change::Change;
use crate::domain::destination::{Destination, Directions};
use crate::domain::key::{Key, KeyState};
use crate::domain::material::Material;
use crate::domain::settings::Settings;
use crate::domain::uid::KeyUid;
use crate::domain::version::KeyVersion;
use crate::error::{Conflict, Nameable, VaultError};
use crate::services::encode;
use crate::store;
use crate::vault::Vault;

/// A key as somebody wants it, checked as far as that goes without asking anybody.
pub(super) struct Draft {
    pub(super) slug: ResourceId,
    provider: ProviderId,
    settings: Settings,
    material: Arc<Material>,
    destination: Destination,
    skip_verification: bool,
}

/// A key that its provider has not refused.
pub(super) struct Verified {
    slug: ResourceId,
    settings: Settings,
    intake: Intake,
}

/// A key with its first version, sealed. Nothing is stored yet.
pub(super) struct Admitted {
    name: KeyName,
    key: Key,
    version: KeyVersion,
}

impl Draft {
    /// Reads the fields that every message with a new key has.
    pub(super) fn read(
        vault: &Vault,
        slug: ResourceId,
        key: Option<Message>,
        material: Option<KeyMaterial>,
        skip_verification: bool,
    ) -> Result<Self, VaultError> {
        let wanted = key.unwrap_or_default();
        let provider: ProviderId = wanted
            .provider
            .parse()
            .map_err(|error| VaultError::field("key.provider", error))?;
        let mut settings = settings::decode(&wanted)?;
        settings.check_use(provider)?;
        let material = intake::material(material, provider)?;
        let directions = Directions {
            base_url: &wanted.base_url,
            location: &wanted.location,
            cloud_project: &wanted.cloud_project,
            api_version: &wanted.api_version,
        };
        let located = Destination::parse(&directions, provider, &vault.egress);
        let located = located.map_err(intake::misdirected("key."))?;
        let deployment = located.deployment.as_deref();
        if let Some(deployment) = deployment
            && settings.default_model.is_empty()
            && !settings.lead_to(deployment)
        {
            // Who gives the address of a deployment, and no model, means that one.
            settings.default_model = deployment.to_owned();
        }
        intake::check_deployment("key.base_url", deployment, &settings)?;
        Ok(Self {
            slug,
            provider,
            settings,
            material,
            destination: located.destination,
            skip_verification,
        })
    }

    /// Refuses what a key of `parent` has no use for.
    pub(super) fn check_parent(&self, parent: &KeyParent) -> Result<(), VaultError> {
        settings::check_parent(&self.settings, parent)
    }

    /// Whether both have the same material, however it was written down.
    pub(super) fn shares_material_with(&self, other: &Self) -> bool {
        self.provider == other.provider && self.material.identity() == other.material.identity()
    }

    /// Asks the provider, unless the caller wants to go without.
    pub(super) async fn verify(self, vault: &Vault) -> Result<Verified, VaultError> {
        let skip = self.skip_verification;
        let intake = intake::verify(vault, self.provider, self.material, self.destination, skip);
        Ok(Verified {
            slug: self.slug,
            settings: self.settings,
            intake: intake.await?,
        })
    }
}

impl Verified {
    /// Seals it as a key of `parent`, if neither its name nor its material is there already.
    pub(super) async fn admit(
        self,
        vault: &Vault,
        change: &Change,
        parent: KeyParent,
        ids: store::keys::Parent,
    ) -> Result<Admitted, VaultError> {
        let Self {
            slug,
            settings,
            intake,
        } = self;
        if store::keys::find(&change.unit, ids, &slug).await?.is_some() {
            return Err(Conflict::Exists(Nameable::Key).into());
        }
        intake.refuse_duplicate(change, None).await?;
        let key = Key {
            uid: KeyUid::random(vault.custody.rng())?,
            workspace: ids.workspace,
            project: ids.project,
            slug: Some(slug.clone()),
            provider: intake.provider,
            settings,
            state: KeyState::Active,
            state_detail: String::new(),
            current_version: 1,
            row_revision: 1,
            create_time: change.now,
            update_time: change.now,
            delete_time: None,
            last_used_time: None,
        };
        let version = intake.seal(vault, change, key.uid, 1)?;
        let name = KeyName { parent, key: slug };
        Ok(Admitted { name, key, version })
    }
}

impl Admitted {
    /// What is shown of it.
    pub(super) fn message(&self, now: Timestamp) -> Message {
        encode::key(&self.name, &self.key, &self.version, now)
    }

    /// Stores it and records that.
    pub(super) async fn store(self, change: &mut Change) -> Result<(), VaultError> {
        let Self { name, key, version } = self;
        let event = change
            .event(&name)
            .with("uid", key.uid)
            .with("provider", key.provider);
        let event = intake::describe(event, &version);
        store::keys::insert(&change.unit, change.keys.stamp(key)).await?;
        store::versions::insert(&change.unit, change.keys.stamp(version)).await?;
        change.record(event).await
    }
}
