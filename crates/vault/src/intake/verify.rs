//! Verification of material with its provider. The vault has no way out, so a connected router calls
//! the provider.

use std::sync::Arc;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyName, ResourceId};

use super::draft::Draft;
use crate::change::Change;
use crate::domain::audit::Act;
use crate::domain::destination::Destination;
use crate::domain::key::{IllegalTransition, KeyState};
use crate::domain::material::Material;
use crate::domain::settings::KeySettings;
use crate::domain::uid::random_uuid;
use crate::domain::verification::{Grade, Verification};
use crate::error::VaultError;
use crate::leasing::verification_tasks::PendingTask;
use crate::rows::read_again;
use crate::vault::Vault;

/// Material that its provider has not refused.
pub(super) struct VerifiedMaterial {
    pub(super) provider: ProviderId,
    pub(super) material: Arc<Material>,
    pub(super) destination: Destination,
    pub(super) verification: Verification,
}

/// A new key that its provider has not refused.
pub(crate) struct Verified {
    pub(super) slug: ResourceId,
    pub(super) settings: KeySettings,
    pub(super) material: VerifiedMaterial,
}

impl Draft {
    /// Verifies the material, unless the owner skips that.
    pub(crate) async fn verify(self, vault: &Vault) -> Result<Verified, VaultError> {
        let Self {
            slug,
            provider,
            settings,
            material,
            destination,
            skip_verification,
        } = self;
        let material = verify(vault, provider, material, destination, skip_verification).await?;
        Ok(Verified {
            slug,
            settings,
            material,
        })
    }
}

/// Verifies material with its provider, unless `skip` is set.
pub(super) async fn verify(
    vault: &Vault,
    provider: ProviderId,
    material: Arc<Material>,
    destination: Destination,
    skip: bool,
) -> Result<VerifiedMaterial, VaultError> {
    let (grade, detail) = if skip {
        (Grade::Format, String::new())
    } else {
        let task = PendingTask {
            id: random_uuid(vault.custody.rng())?,
            provider,
            destination: destination.clone(),
            material: Arc::clone(&material),
        };
        vault.leasing.verify(task).await?
    };
    let verification = Verification {
        grade,
        detail,
        time: vault.now(),
    };
    Ok(VerifiedMaterial {
        provider,
        material,
        destination,
        verification,
    })
}

/// Verifies the current version of a stored key, and stores the outcome.
pub(crate) async fn verify_stored(
    vault: &Vault,
    act: Act,
    name: &KeyName,
) -> Result<Verification, VaultError> {
    let parent = vault.parent(&name.parent).await?;
    let rows = parent.open.rows(&vault.store);
    let read = read_again(|| async {
        let key = rows.key(parent.ids(), &name.key).await?;
        if key.state == KeyState::Deleted {
            return Err(IllegalTransition {
                from: key.state.as_str(),
                verb: "verified",
            }
            .into());
        }
        let version = rows.current_version(&key).await?;
        Ok((key, version))
    });
    let (key, version) = read.await?;
    let material = parent.open.keys.open(&key, &version)?;
    let task = PendingTask {
        id: random_uuid(vault.custody.rng())?,
        provider: key.provider,
        destination: version.destination.clone(),
        material: Arc::new(material),
    };
    let (grade, detail) = vault.leasing.verify(task).await?;

    let mut change = Change::begin(vault, &name.parent, act).await?;
    let key_now = change.key(name, "").await?;
    let version_now = change.current_version(&key_now).await?;
    let verification = Verification {
        grade,
        detail,
        time: change.now,
    };
    // Where the version was replaced meanwhile, or the key by one of the same name, the outcome is
    // returned and not stored.
    if (key_now.uid, version_now.version) == (key.uid, version.version) {
        let event = change.event(name).with("verification", grade.as_str());
        let verified = version_now.verified(verification.clone());
        change.put_version(verified).await?;
        change.record(event).await?;
        change.commit_unnumbered().await?;
    }
    Ok(verification)
}
