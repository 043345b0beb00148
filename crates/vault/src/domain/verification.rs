//! The outcome of a verification.

use latchkey_clock::Timestamp;

/// How much a verification proves. No provider proves everything without a billed call, so this is a
/// grade.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Grade {
    /// The format is right. The provider was not called, did not answer, or refused the key.
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

    /// Whether the grade proves that the provider accepts the key. An answering endpoint does not.
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

/// A grade with its time and the provider's message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verification {
    /// The grade.
    pub grade: Grade,
    /// The provider's message where it limited or refused the key, or why it did not answer.
    pub detail: String,
    /// The time of the check.
    pub time: Timestamp,
}

/// A provider's error message. The router has removed everything that looks like a key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProviderMessage {
    /// The HTTP status; 0 where there was no answer.
    pub http_status: i32,
    /// The provider's error code; may be empty.
    pub code: String,
    /// The text.
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
