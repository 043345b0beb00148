//! The usage rules of a workspace or a project.

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::settings::{FieldError, check_patterns, models_allow};

/// The capabilities and models that requests may use. By default all are allowed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRules {
    /// When not empty, the only allowed capabilities.
    pub capabilities: Vec<Capability>,
    /// When not empty, the only allowed models.
    pub allowed_models: Vec<String>,
    /// Denied models; wins over `allowed_models`.
    pub denied_models: Vec<String>,
    /// Whether only keys with zero retention may be used.
    pub zero_retention: bool,
}

impl UsageRules {
    /// Checks the bounds. `noun` is the field of the message: `workspace` or `project`.
    pub fn checked(mut self, noun: &str) -> Result<Self, FieldError> {
        check_patterns(&format!("{noun}.allowed_models"), &self.allowed_models)?;
        check_patterns(&format!("{noun}.denied_models"), &self.denied_models)?;
        self.capabilities.sort();
        self.capabilities.dedup();
        Ok(self)
    }

    /// Whether the rules allow a request. Listing models is always allowed; an empty model is not
    /// known yet.
    pub fn allow(&self, capability: Capability, model: &str) -> bool {
        if capability == Capability::ListModels {
            return true;
        }
        let may = self.capabilities.is_empty() || self.capabilities.contains(&capability);
        may && (model.is_empty() || models_allow(&self.allowed_models, &self.denied_models, model))
    }
}
