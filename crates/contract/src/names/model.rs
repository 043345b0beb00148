//! Names of models.

use std::fmt;
use std::str::FromStr;

use super::{NameError, ResourceId};

/// `providers/{provider}/models/{model}`. The last part is what the provider calls the model: any text
/// without control characters, slashes included.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelName {
    /// Whose it is.
    pub provider: ResourceId,
    model: Box<str>,
}

impl ModelName {
    /// The longest name of a model at its provider, in bytes.
    pub const MAX_LENGTH: usize = 256;

    /// What the provider calls it.
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
        // A provider's id has no slash, so the first one ends it.
        let (provider, model) = rest.split_once("/models/").ok_or(MODEL)?;
        let long = model.len() > Self::MAX_LENGTH;
        if model.is_empty() || long || model.contains(char::is_control) {
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
