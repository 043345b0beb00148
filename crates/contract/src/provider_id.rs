//! The providers whose keys are stored and called, by the ids of the contract.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A provider, by the id that the contract uses.
///
/// On the wire a provider id is a string, so that a later version can add one. An unknown id fails to
/// parse.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub enum ProviderId {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's models in a customer's own Azure resource.
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

/// The error for a text that is not a provider id of this version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownProvider;

impl fmt::Display for UnknownProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of ")?;
        for (index, provider) in ProviderId::ALL.into_iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{provider}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownProvider {}

impl ProviderId {
    /// Every provider, in the order of the ids.
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

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderId {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or(UnknownProvider)
    }
}

impl TryFrom<String> for ProviderId {
    type Error = UnknownProvider;

    fn try_from(text: String) -> Result<Self, UnknownProvider> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_parses_and_is_named_in_the_error() {
        for provider in ProviderId::ALL {
            assert_eq!(provider.as_str().parse(), Ok(provider));
            assert!(UnknownProvider.to_string().contains(provider.as_str()));
        }
        assert_eq!("OpenAI".parse::<ProviderId>(), Err(UnknownProvider));
    }

    #[test]
    fn the_ids_are_in_alphabetical_order() {
        assert!(ProviderId::ALL.is_sorted_by_key(|provider| provider.as_str()));
    }
}
