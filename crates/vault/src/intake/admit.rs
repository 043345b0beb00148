//! The admission of verified material: its duplicates, its seal, its row, its record.

use latchkey_contract::names::{KeyName, KeyParent};

use super::verify::{Verified, VerifiedMaterial};
use crate::change::Change;
use crate::domain::audit::AuditEvent;
use crate::domain::key::{Key, KeyState};
use crate::domain::uid::{KeyUid, random_uuid};
use crate::domain::version::{KeyVersion, VersionState};
use crate::error::{Conflict, Nameable, VaultError};
use crate::store;
use crate::store::keys::Parent;
use crate::vault::Vault;

/// A key with its first version, sealed. Nothing is stored yet.
pub(crate) struct Admitted {
    /// The name.
    pub name: KeyName,
    /// The key.
    pub key: Key,
    /// Its first version.
    pub version: KeyVersion,
}

impl Verified {
    /// Seals the material as a key of `parent`, unless the name or the material is taken.
    pub(crate) async fn admit(
        self,
        vault: &Vault,
        change: &Change,
        parent: KeyParent,
        ids: Parent,
    ) -> Result<Admitted, VaultError> {
        let Self {
            slug,
            settings,
            material,
        } = self;
        if change.rows().find_key(ids, &slug).await?.is_some() {
            return Err(Conflict::Exists(Nameable::Key).into());
        }
        material.refuse_duplicate(change, None).await?;
        let key = Key {
            uid: KeyUid(random_uuid(vault.custody.rng())?),
            workspace: ids.workspace,
            project: ids.project,
            slug: Some(slug.clone()),
            provider: material.provider,
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
        let version = material.seal(vault, change, key.uid, 1)?;
        let name = KeyName { parent, key: slug };
        Ok(Admitted { name, key, version })
    }
}

impl Admitted {
    /// Stores the key and records it.
    pub(crate) async fn store(self, change: &mut Change) -> Result<(), VaultError> {
        let Self { name, key, version } = self;
        let event = change
            .event(&name)
            .with("uid", key.uid)
            .with("provider", key.provider);
        let event = describe(event, &version);
        change.add_key(key).await?;
        change.add_version(version).await?;
        change.record(event).await
    }
}

impl VerifiedMaterial {
    /// Seals the material as a version of a key.
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
            secret_kind: self.material.kind(),
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
        match change.rows().key_name_of(other).await? {
            Some(name) => Err(Conflict::DuplicateMaterial(name).into()),
            None => Ok(()),
        }
    }
}

/// Adds to an event what the audit log records of a new version.
pub(super) fn describe(event: AuditEvent, version: &KeyVersion) -> AuditEvent {
    let destination = &version.destination;
    let event = event
        .with("version", version.version)
        .with("secret_kind", version.secret_kind.as_str())
        .with("base_url", destination.base_url())
        .with("verification", version.verification.grade.as_str());
    [
        ("location", destination.location()),
        ("cloud_project", destination.cloud_project()),
        ("api_version", destination.api_version()),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .fold(event, |event, (name, text)| event.with(name, text))
}
