//! Dialects: a provider and its wire format.

use std::fmt;

use latchkey_contract::ProviderId;
use serde::Deserialize;

use crate::catalogue::ModelTraits;

/// A provider and a wire format that it serves. An answer is decoded in the dialect of its request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Dialect {
    provider: ProviderId,
    api: Api,
}

impl Dialect {
    /// The dialect of a model: the wire format of its traits if the provider supports it, else the
    /// provider's default.
    pub fn new(provider: ProviderId, traits: &ModelTraits) -> Self {
        let supported = Api::supported_by(provider);
        let api = if supported.contains(&traits.api) {
            traits.api
        } else {
            supported[0]
        };
        Self { provider, api }
    }

    /// The provider.
    pub fn provider(self) -> ProviderId {
        self.provider
    }

    /// The wire format.
    pub fn api(self) -> Api {
        self.api
    }

    /// Marks provider state, which is sent back only to where it came from. The mark is the
    /// provider's id; Anthropic's models at Vertex AI have a mark of their own.
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
    /// OpenAI's Chat Completions and compatible APIs.
    ChatCompletions,
    /// Google's generateContent.
    GenerateContent,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
}

impl Api {
    /// The wire formats that a provider supports. The first is the default for unknown models.
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
