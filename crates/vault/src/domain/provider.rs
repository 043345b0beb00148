//! Whose key it is. An open set on the wire; the vault takes the ones whose keys can be checked.

use std::fmt;
use std::str::FromStr;

/// A provider that keys can be stored for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Provider {
    /// Anthropic.
    Anthropic,
    /// Any endpoint that follows OpenAI's chat completions.
    Custom,
    /// OpenAI.
    OpenAi,
}

/// A provider id that is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be one of anthropic, custom, openai")]
pub struct UnknownProvider;

impl Provider {
    /// Every provider, in the order of their ids.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::Custom, Self::OpenAi];

    /// The id on the wire and in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Custom => "custom",
            Self::OpenAi => "openai",
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
