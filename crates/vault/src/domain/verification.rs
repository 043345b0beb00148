//! What a check of a key showed.

use latchkey_clock::Timestamp;

/// How much is known. A grade, not a yes: no provider proves everything without a billed call.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Grade {
    /// The format is right and no more is known: nobody was asked, nobody could be, or the provider
    /// refused.
    Format,
    /// The endpoint answered but can't check a key.
    Reachable,
    /// The provider knows the key, but limits it.
    Limited,
    /// The provider accepted the key.
    Alive,
}

impl Grade {
    /// The word for it in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Reachable => "reachable",
            Self::Limited => "limited",
            Self::Alive => "alive",
        }
    }

    /// Whether it shows that the provider takes the key. That its endpoint answers does not.
    pub const fn is_accepted(self) -> bool {
        match self {
            Self::Format | Self::Reachable => false,
            Self::Limited | Self::Alive => true,
        }
    }

    /// The grade that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Format, Self::Reachable, Self::Limited, Self::Alive]
            .into_iter()
            .find(|grade| grade.as_str() == text)
    }
}

/// A grade, when it was given, and the provider's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verification {
    /// How much is known.
    pub grade: Grade,
    /// The provider's words where it limited or refused the key; why it could not be asked.
    pub detail: String,
    /// When it was checked.
    pub time: Timestamp,
}

/// What a provider said when it refused, with anything that looks like a key removed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderMessage {
    /// The HTTP status, or 0.
    pub http_status: i32,
    /// The provider's error code, or empty.
    pub code: String,
    /// Its message.
    pub message: String,
}

impl std::fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.http_status {
            0 => f.write_str(&self.message),
            status => write!(f, "HTTP {status}: {}", self.message),
        }
    }
}
