//! Taking material in: its format, its duplicates, what its provider says of it, its seal. Shared by
//! `CreateKey` and `AddKeyVersion`, the only two ways in.

use std::sync::Arc;

use latchkey_boot::clock::Timestamp;
use latchkey_contract::names::{KeyName, KeyParent, ProjectName, Scope};
use latchkey_contract::vault::v1::{KeyMaterial, key_material};

use crate::change::Change;
use crate::domain::destination::Destination;
use crate::domain::material::Material;
use crate::domain::provider::Provider;
use crate::domain::uid::{KeyUid, random_uuid};
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::{KeyVersion, VersionState};
use crate::error::{Conflict, VaultError};
use crate::leasing::errands::Errand;
use crate::store;
use crate::vault::Vault;

/// Material that its provider has not refused.
pub(super) struct Intake {
    pub(super) provider: Provider,
    pub(super) material: Arc<Material>,
    pub(super) destination: Destination,
    pub(super) verification: Verification,
}

/// Reads material of a provider.
pub(super) fn material(
    message: Option<KeyMaterial>,
    provider: Provider,
) -> Result<Arc<Material>, VaultError> {
    match message.and_then(|material| material.kind) {
        Some(key_material::Kind::ApiKey(text)) => Material::parse(text, provider)
            .map(Arc::new)
            .map_err(VaultError::KeyFormat),
        None => Err(VaultError::field("material", "is required")),
    }
}

/// Reads where it may be sent.
pub(super) fn destination(
    vault: &Vault,
    field: &'static str,
    base_url: &str,
    provider: Provider,
) -> Result<Destination, VaultError> {
    Destination::parse(base_url, provider, &vault.egress)
        .map_err(|problem| VaultError::Destination { field, problem })
}

/// Asks the provider, unless the caller wants to go without.
pub(super) async fn verify(
    vault: &Vault,
    provider: Provider,
    material: Arc<Material>,
    destination: Destination,
    skip: bool,
) -> Result<Intake, VaultError> {
    let (grade, detail) = if skip {
        (Grade::Format, String::new())
    } else {
        let id = random_uuid(vault.custody.rng())?;
        let base_url = destination.as_str().to_owned();
        let errand = Errand {
            id,
            provider,
            base_url,
            material: Arc::clone(&material),
        };
        vault.leasing.verify(errand).await?
    };
    let verification = Verification {
        grade,
        detail,
        time: vault.now(),
    };
    Ok(Intake {
        provider,
        material,
        destination,
        verification,
    })
}

impl Intake {
    /// Seals it as a version of a key.
    pub(super) fn seal(
        self,
        vault: &Vault,
        change: &Change,
        key: KeyUid,
        version: u64,
    ) -> Result<KeyVersion, VaultError> {
        let keys = &change.keys;
        let rng = vault.custody.rng();
        let sealed = keys.seal(rng, key, version, self.provider, &self.material)?;
        Ok(KeyVersion {
            key,
            version,
            workspace: change.head.uid,
            state: VersionState::Current,
            destination: self.destination,
            material_tail: self.material.tail(),
            fingerprint: keys.fingerprint(self.provider, &self.material),
            wrapped_by: sealed.wrapped_by,
            wrapped_data_key: sealed.wrapped_data_key,
            payload: sealed.payload,
            verification: self.verification,
            create_time: change.now,
            destroy_time: None,
        })
    }

    /// Refuses material that another key of the workspace holds.
    pub(super) async fn refuse_duplicate(
        &self,
        change: &Change,
        own: Option<KeyUid>,
    ) -> Result<(), VaultError> {
        let fingerprint = change.keys.fingerprint(self.provider, &self.material);
        let holders = store::versions::holders(&change.unit, change.head.uid, fingerprint).await?;
        let Some(other) = holders.into_iter().find(|holder| Some(*holder) != own) else {
            return Ok(());
        };
        match name_of(change, other).await? {
            Some(name) => Err(Conflict::DuplicateMaterial(name).into()),
            None => Ok(()),
        }
    }
}

/// The name of a live key of the workspace.
async fn name_of(change: &Change, uid: KeyUid) -> Result<Option<KeyName>, VaultError> {
    let Some(stamped) = store::keys::find_by_uid(&change.unit, uid).await? else {
        return Ok(None);
    };
    let key = change.keys.check(stamped)?;
    let parent = match (change.head.name(), key.project) {
        (None, _) => KeyParent::Platform,
        (Some(workspace), None) => KeyParent::Scope(Scope::Workspace(workspace)),
        (Some(workspace), Some(project)) => {
            let found = store::projects::find_by_uid(&change.unit, project).await?;
            let project = found
                .map(|stamped| change.keys.check(stamped))
                .transpose()?;
            match project.and_then(|project| project.slug) {
                Some(project) => {
                    KeyParent::Scope(Scope::Project(ProjectName { workspace, project }))
                }
                None => return Ok(None),
            }
        }
    };
    Ok(key.slug.map(|key| KeyName { parent, key }))
}

/// When a check was made, for `VerifyKey`.
pub(super) fn verification(grade: Grade, detail: String, time: Timestamp) -> Verification {
    Verification {
        grade,
        detail,
        time,
    }
}
