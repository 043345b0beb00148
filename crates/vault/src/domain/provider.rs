//! Whose key it is. An open set on the wire; the vault takes the ones whose keys can be checked.

use std::fmt;
use std::str::FromStr;

/// A provider that keys can be stored for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Provider {
    /// Anthropic.
    Anthropic,
    /// OpenAI's models in a customer's Azure resource.
    Azure,
    /// Any endpoint that follows OpenAI's chat completions.
    Custom,
    /// DeepSeek.
    DeepSeek,
    /// Google AI Studio, the Gemini API.
    Google,
    /// OpenAI.
    OpenAi,
    /// OpenRouter.
    OpenRouter,
    /// Google Cloud's Vertex AI.
    Vertex,
}

/// A provider id that is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be one of anthropic, azure, custom, deepseek, google, openai, openrouter, vertex")]
pub struct UnknownProvider;

impl Provider {
    /// Every provider, in the order of their ids.
    pub const ALL: [Self; 8] = [
        Self::Anthropic,
        Self::Azure,
        Self::Custom,
        Self::DeepSeek,
        Self::Google,
        Self::OpenAi,
        Self::OpenRouter,
        Self::Vertex,
    ];

    /// The id on the wire and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Azure => "azure",
            Self::Custom => "custom",
            Self::DeepSeek => "deepseek",
            Self::Google => "google",
            Self::OpenAi => "openai",
            Self::OpenRouter => "openrouter",
            Self::Vertex => "vertex",
        }
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or(UnknownProvider)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_read_back_and_named_in_the_refusal() {
        for provider in Provider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
            assert!(UnknownProvider.to_string().contains(provider.as_str()));
        }
        assert_eq!("OpenAI".parse::<Provider>(), Err(UnknownProvider));
    }
}
