//! Which wire format is spoken, and with whom.

use std::fmt;

use latchkey_contract::ProviderId;
use serde::Deserialize;

use crate::catalogue::ModelTraits;

/// A provider and the wire format that it is spoken to in. An answer is read in the dialect that its
/// request was written in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Dialect {
    provider: ProviderId,
    api: Api,
}

impl Dialect {
    /// The dialect for a model: the one that its traits name, if its provider speaks it.
    pub fn new(provider: ProviderId, traits: &ModelTraits) -> Self {
        let supported = Api::supported_by(provider);
        let api = if supported.contains(&traits.api) {
            traits.api
        } else {
            supported[0]
        };
        Self { provider, api }
    }

    /// Whom we speak to.
    pub fn provider(self) -> ProviderId {
        self.provider
    }

    /// The wire format.
    pub fn api(self) -> Api {
        self.api
    }

    /// What marks the state that this dialect gives with parts: it goes back to where it came from,
    /// and to nobody else. A provider's id; at Vertex, Anthropic's models have a mark of their own.
    pub fn state_mark(self) -> &'static str {
        match (self.provider, self.api) {
            (ProviderId::Vertex, Api::Messages) => "vertex/anthropic",
            (provider, _) => provider.as_str(),
        }
    }
}

/// A wire format for generation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI's Chat Completions, and what is compatible with it.
    ChatCompletions,
    /// Google's generateContent.
    GenerateContent,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

impl Api {
    /// What a provider speaks; the first is what its unknown models are taken to speak.
    pub fn supported_by(provider: ProviderId) -> &'static [Self] {
        match provider {
            ProviderId::Anthropic => &[Self::Messages],
            ProviderId::Azure | ProviderId::OpenAi => &[Self::ChatCompletions, Self::Responses],
            ProviderId::Custom | ProviderId::DeepSeek | ProviderId::OpenRouter => {
                &[Self::ChatCompletions]
            }
            ProviderId::Google => &[Self::GenerateContent],
            ProviderId::Vertex => &[Self::GenerateContent, Self::Messages],
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChatCompletions => "chat_completions",
            Self::GenerateContent => "generate_content",
            Self::Messages => "messages",
            Self::Responses => "responses",
        })
    }
}
