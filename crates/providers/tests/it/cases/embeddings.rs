//! The embedding requests of `golden/media_calls.py`.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::router::v1::embed_request::Purpose;
use latchkey_providers::ProviderError;
use latchkey_providers::embeddings::{self, Call, Embeddings, Exchange};
use latchkey_providers::encode::EncodeError;
use serde_json::Value;

use super::{base_url, target};
use crate::media::{api_version, options, replied, text};

const WILD: &str = "And “you”?\n\t\u{2028}é😀";

/// A request to a model.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) provider: ProviderId,
    pub(crate) model: String,
    pub(crate) api_version: &'static str,
    pub(crate) request: EmbedRequest,
}

impl Case {
    pub(crate) fn new(provider: ProviderId, model: &str, inputs: &[&str]) -> Self {
        Self {
            provider,
            model: model.to_owned(),
            api_version: "",
            request: EmbedRequest {
                inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
                ..EmbedRequest::default()
            },
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut EmbedRequest)) -> Self {
        change(&mut self.request);
        self
    }

    pub(crate) fn encode(&self) -> Result<Exchange, EncodeError> {
        let base = base_url(self.provider);
        let mut target = target(self.provider, &base);
        target.api_version = self.api_version;
        embeddings::request(&Call {
            target,
            model: &self.model,
            request: &self.request,
        })
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.encode().unwrap().request.body).unwrap()
    }

    pub(crate) fn read(&self, body: &str) -> Result<Embeddings, ProviderError> {
        let reader = self.encode().unwrap().reader;
        replied(200, body, |reply| reader.read(reply))
    }
}

pub(crate) fn case(provider: ProviderId, name: &str) -> Case {
    let two = ["Hello", WILD];
    let purpose = |purpose: Purpose| {
        move |request: &mut EmbedRequest| {
            request.purpose = purpose.into();
            request.dimensions = Some(256);
        }
    };
    let case = match (provider, name) {
        (ProviderId::OpenAi, "plain") => Case::new(provider, "text-embedding-3-small", &two[..1]),
        (ProviderId::OpenAi, "everything") => Case::new(provider, "text-embedding-3-large", &two)
            .with(|request| {
                request.dimensions = Some(256);
                request.provider_options = Some(options(&[("user", text("somebody"))]));
            }),
        (ProviderId::Azure, "v1") => Case::new(provider, "my-embeddings", &two),
        (ProviderId::Azure, "classic") => Case::new(provider, "my-embeddings", &two)
            .with(|request| request.dimensions = Some(256)),
        (ProviderId::OpenRouter, "plain") => {
            Case::new(provider, "openai/text-embedding-3-small", &two[..1])
        }
        (ProviderId::OpenRouter, "everything") => {
            Case::new(provider, "qwen/qwen3-embedding-8b", &two).with(|request| {
                request.dimensions = Some(256);
                request.provider_options = Some(options(&[("input_type", text("search_query"))]));
            })
        }
        (ProviderId::Google, "plain") | (ProviderId::Vertex, "gemini") => {
            Case::new(provider, "gemini-embedding-001", &two[..1])
        }
        (ProviderId::Google, "everything") => Case::new(provider, "gemini-embedding-001", &two)
            .with(purpose(Purpose::RetrievalDocument)),
        (ProviderId::Google, "second_generation") => {
            Case::new(provider, "gemini-embedding-2", &two)
        }
        (ProviderId::Vertex, "plain") => Case::new(provider, "text-embedding-005", &two[..1]),
        (ProviderId::Vertex, "everything") => Case::new(provider, "text-embedding-005", &two)
            .with(purpose(Purpose::CodeRetrievalQuery)),
        (ProviderId::Vertex, "gemini_everything") => {
            Case::new(provider, "gemini-embedding-001", &two[..1])
                .with(purpose(Purpose::Clustering))
        }
        (ProviderId::Vertex, "gemini_batch") => Case::new(provider, "gemini-embedding-001", &two),
        (ProviderId::Vertex, "gemini_batch_everything") => {
            Case::new(provider, "gemini-embedding-001", &two).with(purpose(Purpose::Clustering))
        }
        (provider, other) => panic!("no neutral request for embeddings/{provider}/{other}"),
    };
    Case {
        api_version: api_version(provider, name),
        ..case
    }
}
