//! What the requests of a workspace or a project may do.

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::settings::{FieldError, check_patterns, models_allow};

/// The rules of a workspace, or of a project beside them. By default everything is allowed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// When not empty, all that may be done.
    pub capabilities: Vec<Capability>,
    /// When not empty, the only models that may be asked for.
    pub allowed_models: Vec<String>,
    /// Models that may not be asked for; wins over `allowed_models`.
    pub denied_models: Vec<String>,
    /// Whether only keys whose provider keeps nothing may be used.
    pub zero_retention: bool,
}

impl Rules {
    /// The rules, if they are within their bounds. `noun` is what they are of.
    pub fn checked(mut self, noun: &str) -> Result<Self, FieldError> {
        check_patterns(&format!("{noun}.allowed_models"), &self.allowed_models)?;
        check_patterns(&format!("{noun}.denied_models"), &self.denied_models)?;
        self.capabilities.sort();
        self.capabilities.dedup();
        Ok(self)
    }

    /// Whether a request may do that with a model. Listing models does nothing yet; an empty model is
    /// none so far.
    pub fn allow(&self, capability: Capability, model: &str) -> bool {
        if capability == Capability::ListModels {
            return true;
        }
        let may = self.capabilities.is_empty() || self.capabilities.contains(&capability);
        may && (model.is_empty() || models_allow(&self.allowed_models, &self.denied_models, model))
    }
}
