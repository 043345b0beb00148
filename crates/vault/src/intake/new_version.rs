//! New material for a stored key.

use std::sync::Arc;

use latchkey_contract::names::KeyName;

use super::admit::describe;
use super::draft::{check_deployment, destination_error, read_material};
use super::verify::{VerifiedMaterial, verify};
use crate::change::{Change, check_etag};
use crate::domain::destination::{Destination, Directions};
use crate::domain::key::Key;
use crate::domain::material::{Material, MaterialInput};
use crate::domain::uid::KeyUid;
use crate::domain::version::KeyVersion;
use crate::error::{Noun, VaultError};
use crate::rows::read_again;
use crate::vault::Vault;

/// New material of a key, checked as far as that goes without its provider.
pub(crate) struct VersionDraft {
    key: Key,
    material: Arc<Material>,
    destination: Destination,
}

/// New material of a key that its provider has not refused.
pub(crate) struct VerifiedVersion {
    key: KeyUid,
    material: VerifiedMaterial,
}

impl VersionDraft {
    /// Reads new material for the key of that name. Directions replace those of the current version.
    pub(crate) async fn read(
        vault: &Vault,
        name: &KeyName,
        etag: &str,
        material: Option<MaterialInput>,
        directions: &Directions<'_>,
    ) -> Result<Self, VaultError> {
        let parent = vault.parent(&name.parent).await?;
        let rows = parent.open.rows(&vault.store);
        let read = read_again(|| async {
            let key = rows.key(parent.ids(), &name.key).await?;
            check_etag(etag, key.row_revision)?;
            let current = rows.current_version(&key).await?;
            Ok((key, current))
        });
        let (key, current) = read.await?;
        let material = read_material(material, key.provider)?;
        let located = current
            .destination
            .redirect(directions, key.provider, &vault.egress)
            .map_err(destination_error(""))?;
        check_deployment("base_url", located.deployment.as_deref(), &key.settings)?;
        Ok(Self {
            key,
            material,
            destination: located.destination,
        })
    }

    /// Verifies the material, unless `skip` is set.
    pub(crate) async fn verify(
        self,
        vault: &Vault,
        skip: bool,
    ) -> Result<VerifiedVersion, VaultError> {
        let Self {
            key,
            material,
            destination,
        } = self;
        Ok(VerifiedVersion {
            key: key.uid,
            material: verify(vault, key.provider, material, destination, skip).await?,
        })
    }
}

impl VerifiedVersion {
    /// Stores the material as the current version of the key, destroys the one before and records
    /// that.
    pub(crate) async fn store(
        self,
        vault: &Vault,
        change: &mut Change,
        name: &KeyName,
        etag: &str,
    ) -> Result<(Key, KeyVersion), VaultError> {
        let key = change.key(name, etag).await?;
        if key.uid != self.key {
            return Err(VaultError::NotFound(Noun::Key));
        }
        self.material
            .refuse_duplicate(change, Some(key.uid))
            .await?;
        let old = change.current_version(&key).await?;
        let version = self
            .material
            .seal(vault, change, key.uid, key.current_version + 1)?;
        let key = key.renew(version.version, change.now)?;
        let event = change.event(name).with("retired_version", old.version);
        let event = describe(event, &version);
        change.revoke(old.uid());
        change.put_version(old.destroy(change.now)).await?;
        change.add_version(version.clone()).await?;
        change.put_key(key.clone()).await?;
        change.record(event).await?;
        Ok((key, version))
    }
}
