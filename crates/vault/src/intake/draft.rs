//! A new key as its owner wants it, checked as far as that goes without its provider.

use std::sync::Arc;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{KeyParent, ResourceId};

use crate::domain::destination::{Destination, DestinationError, Directions};
use crate::domain::material::{Material, MaterialInput};
use crate::domain::settings::KeySettings;
use crate::error::VaultError;
use crate::vault::Vault;

/// The fields of a new key, from its message.
pub(crate) struct NewKey<'a> {
    /// The last segment of the name.
    pub slug: ResourceId,
    /// The provider.
    pub provider: ProviderId,
    /// The settings, each within its bounds.
    pub settings: KeySettings,
    /// The material, where there is any.
    pub material: Option<MaterialInput>,
    /// Where the key is sent.
    pub directions: Directions<'a>,
    /// Whether the key is stored without a check by its provider.
    pub skip_verification: bool,
}

/// A new key whose fields fit together.
pub(crate) struct Draft {
    pub(super) slug: ResourceId,
    pub(super) provider: ProviderId,
    pub(super) settings: KeySettings,
    pub(super) material: Arc<Material>,
    pub(super) destination: Destination,
    pub(super) skip_verification: bool,
}

impl Draft {
    /// Reads the fields of a new key.
    pub(crate) fn read(vault: &Vault, new: NewKey<'_>) -> Result<Self, VaultError> {
        let NewKey {
            slug,
            provider,
            mut settings,
            material,
            directions,
            skip_verification,
        } = new;
        settings.check_use(provider)?;
        let material = read_material(material, provider)?;
        let located = Destination::parse(&directions, provider, &vault.egress)
            .map_err(destination_error("key."))?;
        let deployment = located.deployment.as_deref();
        if let Some(deployment) = deployment
            && settings.default_model.is_empty()
            && !settings.lead_to(deployment)
        {
            // An address of a deployment without a model means that deployment.
            settings.default_model = deployment.to_owned();
        }
        check_deployment("key.base_url", deployment, &settings)?;
        Ok(Self {
            slug,
            provider,
            settings,
            material,
            destination: located.destination,
            skip_verification,
        })
    }

    /// The last segment of the name.
    pub(crate) fn slug(&self) -> &ResourceId {
        &self.slug
    }

    /// Refuses a setting that a key of `parent` has no use for.
    pub(crate) fn check_parent(&self, parent: &KeyParent) -> Result<(), VaultError> {
        Ok(self.settings.check_parent(parent)?)
    }

    /// Whether both have the same material, in whatever notation.
    pub(super) fn shares_material_with(&self, other: &Self) -> bool {
        self.provider == other.provider && self.material.identity() == other.material.identity()
    }
}

/// Reads material of a provider.
pub(super) fn read_material(
    given: Option<MaterialInput>,
    provider: ProviderId,
) -> Result<Arc<Material>, VaultError> {
    let given = given.ok_or_else(|| VaultError::field("material", "is required"))?;
    Ok(Arc::new(Material::parse(given, provider)?))
}

/// Names the field of a destination that can't be read as the request has it: `{prefix}location`.
pub(super) fn destination_error(prefix: &'static str) -> impl Fn(DestinationError) -> VaultError {
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

/// Refuses a deployment that an address names and that no model of the key leads to: no call would
/// reach it.
pub(super) fn check_deployment(
    field: &'static str,
    deployment: Option<&str>,
    settings: &KeySettings,
) -> Result<(), VaultError> {
    match deployment {
        Some(deployment) if !settings.lead_to(deployment) => {
            let problem = format!(
                "names the deployment {deployment}, but neither default_model nor deployments of \
                 the key lead to it: give the address of the resource alone, or add the deployment \
                 to the key"
            );
            Err(VaultError::field(field, problem))
        }
        Some(_) | None => Ok(()),
    }
}
