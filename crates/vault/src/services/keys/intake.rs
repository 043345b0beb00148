//! Taking material in: its format, its duplicates, what its provider says of it, its seal. Shared by
//! new keys and new versions, the only two ways in.

use std::sync::Arc;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyName;
use latchkey_contract::vault::v1::{KeyMaterial, key_material};

use crate::change::Change;
use crate::domain::audit::AuditEvent;
use crate::domain::destination::{Destination, DestinationError};
use crate::domain::material::{Given, Material};
use crate::domain::settings::Settings;
use crate::domain::uid::{KeyUid, random_uuid};
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::{KeyVersion, VersionState};
use crate::error::{Conflict, VaultError};
use crate::leasing::verification_tasks::PendingTask;
use crate::store;
use crate::vault::{self, Vault};

/// Material that its provider has not refused.
pub(super) struct Intake {
    pub(super) provider: ProviderId,
    pub(super) material: Arc<Material>,
    pub(super) destination: Destination,
    pub(super) verification: Verification,
}

/// Reads material of a provider.
pub(super) fn material(
    message: Option<KeyMaterial>,
    provider: ProviderId,
) -> Result<Arc<Material>, VaultError> {
    let given = match message.and_then(|material| material.kind) {
        Some(key_material::Kind::ApiKey(text)) => Given::ApiKey(text),
        Some(key_material::Kind::EntraClient(client)) => Given::EntraClient {
            tenant_id: client.tenant_id,
            client_id: client.client_id,
            client_secret: client.client_secret,
        },
        Some(key_material::Kind::ServiceAccountJson(json)) => Given::ServiceAccountJson(json),
        None => return Err(VaultError::field("material", "is required")),
    };
    Ok(Arc::new(Material::parse(given, provider)?))
}

/// A destination that can't be read, by its fields as the request has them: `{prefix}location`.
pub(super) fn misdirected(prefix: &'static str) -> impl Fn(DestinationError) -> VaultError {
    move |error| match error {
        DestinationError::BaseUrl(problem) => VaultError::Destination {
            field: format!("{prefix}base_url"),
            problem,
        },
        DestinationError::Field(error) => {
            VaultError::field(format!("{prefix}{}", error.field), error.problem)
        }
    }
}

/// Refuses a deployment that an address named and that no model of the key leads to: it would never
/// be called.
pub(super) fn check_deployment(
    field: &'static str,
    deployment: Option<&str>,
    settings: &Settings,
) -> Result<(), VaultError> {
    match deployment {
        Some(deployment) if !settings.lead_to(deployment) => {
            let problem = format!(
                "names the deployment {deployment}, which neither default_model nor deployments \
                 of the key lead to: give the address of the resource alone, or add it there"
            );
            Err(VaultError::field(field, problem))
        }
        Some(_) | None => Ok(()),
    }
}

/// Asks the provider, unless the caller wants to go without.
pub(super) async fn verify(
    vault: &Vault,
    provider: ProviderId,
    material: Arc<Material>,
    destination: Destination,
    skip: bool,
) -> Result<Intake, VaultError> {
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
        match name_of(change, other).await? {
            Some(name) => Err(Conflict::DuplicateMaterial(name).into()),
            None => Ok(()),
        }
    }
}

/// What is recorded of a version that came in.
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

/// The name of a live key of the workspace.
async fn name_of(change: &Change, uid: KeyUid) -> Result<Option<KeyName>, VaultError> {
    let Some(stamped) = store::keys::find_by_uid(&change.unit, uid).await? else {
        return Ok(None);
    };
    let key = change.keys.check(stamped)?;
    vault::key_name(&change.unit, &change.head, &change.keys, &key).await
}

/// When a check was made, for `VerifyKey`.
pub(super) fn verification(grade: Grade, detail: String, time: Timestamp) -> Verification {
    Verification {
        grade,
        detail,
        time,
    }
}
