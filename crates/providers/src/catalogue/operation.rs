//! Operations that a model may support.

use latchkey_contract::router::v1;
use serde::{Deserialize, Serialize};

/// Operations that a model may support.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Generates an answer.
    Generate,
    /// Computes embeddings.
    Embed,
    /// Generates images.
    GenerateImages,
    /// Counts the tokens of a prompt.
    CountTokens,
}

impl From<Operation> for v1::Operation {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Generate => Self::Generate,
            Operation::Embed => Self::Embed,
            Operation::GenerateImages => Self::GenerateImages,
            Operation::CountTokens => Self::CountTokens,
        }
    }
}

impl Operation {
    /// Converts the contract's operation. None when it is unspecified.
    pub fn of(operation: v1::Operation) -> Option<Self> {
        match operation {
            v1::Operation::Unspecified => None,
            v1::Operation::Generate => Some(Self::Generate),
            v1::Operation::Embed => Some(Self::Embed),
            v1::Operation::GenerateImages => Some(Self::GenerateImages),
            v1::Operation::CountTokens => Some(Self::CountTokens),
        }
    }
}
