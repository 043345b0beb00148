//! Names of models.

use std::fmt;
use std::str::FromStr;

use super::{NameError, ResourceId};

/// `providers/{provider}/models/{model}`. The last part is the model's name at the provider: any text
/// without control characters. It may contain slashes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelName {
    /// The provider id.
    pub provider: ResourceId,
    model: Box<str>,
}

impl ModelName {
    /// The maximum length of a model's name at its provider, in bytes.
    pub const MAX_LENGTH: usize = 256;

    /// The model's name at the provider.
    pub fn model(&self) -> &str {
        &self.model
    }
}

const MODEL: NameError = NameError::new(
    "providers/{provider}/models/{model}, the model at most 256 bytes without control characters",
);

impl FromStr for ModelName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let rest = text.strip_prefix("providers/").ok_or(MODEL)?;
        // A provider id has no slash, so the first `/models/` ends it.
        let (provider, model) = rest.split_once("/models/").ok_or(MODEL)?;
        let is_too_long = model.len() > Self::MAX_LENGTH;
        if model.is_empty() || is_too_long || model.contains(char::is_control) {
            return Err(MODEL);
        }
        Ok(Self {
            provider: provider.parse().map_err(|_| MODEL)?,
            model: model.into(),
        })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "providers/{}/models/{}", self.provider, self.model)
    }
}
