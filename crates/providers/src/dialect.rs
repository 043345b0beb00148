//! Which wire format is spoken, and with whom.

use std::fmt;

use serde::Deserialize;

use crate::Provider;
use crate::catalogue::ModelTraits;

/// A provider and the wire format that it is spoken to in. An answer is read in the dialect that its
/// request was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    provider: Provider,
    api: Api,
}

impl Dialect {
    /// The dialect for a model. Only OpenAI offers a choice.
    pub fn new(provider: Provider, traits: &ModelTraits) -> Self {
        let api = match provider {
            Provider::Anthropic => Api::Messages,
            Provider::OpenAi if traits.api == Api::Responses => Api::Responses,
            _ => Api::ChatCompletions,
        };
        Self { provider, api }
    }

    /// Whom we speak to.
    pub fn provider(self) -> Provider {
        self.provider
    }

    /// The wire format.
    pub fn api(self) -> Api {
        self.api
    }
}

/// A wire format for generation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI's Chat Completions, and what is compatible with it.
    ChatCompletions,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChatCompletions => "chat_completions",
            Self::Messages => "messages",
            Self::Responses => "responses",
        })
    }
}
