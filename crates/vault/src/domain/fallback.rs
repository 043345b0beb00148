//! The fallback models of a workspace.

use std::fmt;
use std::str::FromStr;

use latchkey_contract::ProviderId;

use super::settings::{FieldError, check_model};

/// A model that is called where another one can't answer. Written `{provider}/{model}`; a model may
/// contain slashes, a provider does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fallback {
    /// The provider.
    pub provider: ProviderId,
    /// The model, as the provider names it.
    pub model: String,
}

/// A text that is not a fallback.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must have the form {{provider}}/{{model}}")]
pub struct FallbackError;

const MAX_FALLBACKS: usize = 8;

/// Checks the bounds of the list.
pub fn checked(fallbacks: Vec<Fallback>) -> Result<Vec<Fallback>, FieldError> {
    const LIST: &str = "workspace.fallbacks";
    if fallbacks.len() > MAX_FALLBACKS {
        return Err(FieldError::new(LIST, "must have at most 8 entries"));
    }
    for (index, fallback) in fallbacks.iter().enumerate() {
        let field = format!("{LIST}[{index}].model");
        if fallback.model.is_empty() {
            return Err(FieldError::new(field, "is required"));
        }
        check_model(&field, &fallback.model)?;
        if fallbacks[..index].contains(fallback) {
            let field = format!("{LIST}[{index}]");
            return Err(FieldError::new(field, "is listed twice: remove one"));
        }
    }
    Ok(fallbacks)
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl FromStr for Fallback {
    type Err = FallbackError;

    fn from_str(text: &str) -> Result<Self, FallbackError> {
        let (provider, model) = text.split_once('/').ok_or(FallbackError)?;
        Ok(Self {
            provider: provider.parse().map_err(|_| FallbackError)?,
            model: model.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fallback(text: &str) -> Fallback {
        text.parse().unwrap()
    }

    fn problem(models: &[&str]) -> Option<String> {
        let list = models
            .iter()
            .map(|model| fallback(&format!("openai/{model}")));
        checked(list.collect()).err().map(|error| error.field)
    }

    #[test]
    fn a_fallback_has_its_provider_before_the_first_slash() {
        let routed = fallback("openrouter/anthropic/claude-sonnet-5");
        assert_eq!(routed.provider, ProviderId::OpenRouter);
        assert_eq!(routed.model, "anthropic/claude-sonnet-5");
        assert_eq!(routed.to_string(), "openrouter/anthropic/claude-sonnet-5");
        for text in ["", "openai", "acme/model", "/model"] {
            assert_eq!(text.parse::<Fallback>(), Err(FallbackError), "{text}");
        }
    }

    #[test]
    fn a_list_has_bounds() {
        assert_eq!(problem(&[]), None);
        assert_eq!(problem(&["1", "2", "3", "4", "5", "6", "7", "8"]), None);
        let nine = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(problem(&nine).as_deref(), Some("workspace.fallbacks"));
        let long = "m".repeat(257);
        for model in ["", "a b", "a\nb", &long] {
            let field = problem(&["first", model]);
            assert_eq!(field.as_deref(), Some("workspace.fallbacks[1].model"));
        }
    }

    #[test]
    fn a_repeated_fallback_is_refused() {
        let field = problem(&["a", "b", "a"]);
        assert_eq!(field.as_deref(), Some("workspace.fallbacks[2]"));
        let both = vec![fallback("openai/a"), fallback("azure/a")];
        assert!(checked(both).is_ok());
    }
}
