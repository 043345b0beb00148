//! The providers we speak to.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A provider, by the id that the contract uses.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's models in a resource of the customer's own at Azure.
    Azure,
    /// Any endpoint that is compatible with OpenAI's Chat Completions.
    Custom,
    /// DeepSeek, in its dialect of Chat Completions.
    DeepSeek,
    /// Google AI Studio: the Gemini API.
    Google,
    /// OpenAI, by Chat Completions or Responses.
    OpenAi,
    /// OpenRouter, in its dialect of Chat Completions.
    OpenRouter,
    /// Google Cloud's Vertex AI: Gemini, and Anthropic's models.
    Vertex,
}

impl Provider {
    /// All of them.
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

    /// The id in the contract.
    pub fn as_str(self) -> &'static str {
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

    /// Where the provider itself serves its API. None where that depends on the customer: on an
    /// address of its own, or, at Vertex, on the location ([`crate::vertex_base_url`]).
    pub fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Azure | Self::Custom | Self::Vertex => None,
            Self::DeepSeek => Some("https://api.deepseek.com"),
            Self::Google => Some("https://generativelanguage.googleapis.com"),
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::OpenRouter => Some("https://openrouter.ai/api/v1"),
        }
    }
}

/// No provider has this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no provider has this id")]
pub struct ParseProviderError;

impl FromStr for Provider {
    type Err = ParseProviderError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == id)
            .ok_or(ParseProviderError)
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
    fn every_id_parses_to_its_provider() {
        for provider in Provider::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
        }
        assert_eq!("OpenAI".parse::<Provider>(), Err(ParseProviderError));
    }
}
