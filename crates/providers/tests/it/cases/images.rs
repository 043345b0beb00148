//! The image requests of `golden/media_calls.py`.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::GenerateImagesRequest;
use latchkey_providers::ProviderError;
use latchkey_providers::encode::EncodeError;
use latchkey_providers::images::{self, Call, Exchange, Images};
use prost_types::value::Kind;
use serde_json::Value;

use super::{base_url, target};
use crate::media::{api_version, options, replied, text};

const WILD: &str = "And “you”?\n\t\u{2028}é😀";

/// A request to a model.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) provider: ProviderId,
    pub(crate) model: &'static str,
    pub(crate) api_version: &'static str,
    pub(crate) request: GenerateImagesRequest,
}

impl Case {
    pub(crate) fn new(provider: ProviderId, model: &'static str, prompt: &str) -> Self {
        Self {
            provider,
            model,
            api_version: "",
            request: GenerateImagesRequest {
                prompt: prompt.to_owned(),
                ..GenerateImagesRequest::default()
            },
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut GenerateImagesRequest)) -> Self {
        change(&mut self.request);
        self
    }

    pub(crate) fn encode(&self) -> Result<Exchange, EncodeError> {
        let base = base_url(self.provider);
        let mut target = target(self.provider, &base);
        target.api_version = self.api_version;
        images::request(&Call {
            target,
            model: self.model,
            request: &self.request,
        })
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.encode().unwrap().request.body).unwrap()
    }

    pub(crate) fn read(&self, body: &str) -> Result<Images, ProviderError> {
        let reader = self.encode().unwrap().reader;
        replied(200, body, |reply| reader.read(reply))
    }
}

pub(crate) fn case(provider: ProviderId, name: &str) -> Case {
    let everything = |request: &mut GenerateImagesRequest| {
        request.count = 2;
        request.size = "1536x1024".to_owned();
        request.quality = "high".to_owned();
        request.background = "transparent".to_owned();
        request.mime_type = "image/webp".to_owned();
    };
    let config = |request: &mut GenerateImagesRequest| {
        request.aspect_ratio = "16:9".to_owned();
        request.size = "2K".to_owned();
    };
    let case = match (provider, name) {
        (ProviderId::OpenAi, "plain") => Case::new(provider, "gpt-image-2", "A cat"),
        (ProviderId::OpenAi, "everything") => Case::new(provider, "gpt-image-2.6-flare", WILD)
            .with(everything)
            .with(|request| {
                request.provider_options = Some(options(&[("moderation", text("low"))]));
            }),
        (ProviderId::Azure, "v1") => Case::new(provider, "my-images", "A cat"),
        (ProviderId::Azure, "classic") => Case::new(provider, "my-images", WILD).with(everything),
        (ProviderId::Custom, "everything") => Case::new(provider, "flux", WILD).with(everything),
        (ProviderId::OpenRouter, "plain") => {
            Case::new(provider, "google/gemini-2.5-flash-image", "A cat")
        }
        (ProviderId::OpenRouter, "everything") => Case::new(provider, "openai/gpt-image-2", WILD)
            .with(everything)
            .with(|request| {
                request.aspect_ratio = "3:2".to_owned();
                request.provider_options = Some(options(&[("seed", Kind::NumberValue(7.0))]));
            }),
        (ProviderId::Google | ProviderId::Vertex, "plain") => {
            Case::new(provider, "gemini-2.5-flash-image", "A cat")
        }
        (ProviderId::Google, "everything") => {
            Case::new(provider, "gemini-2.5-flash-image", WILD).with(config)
        }
        (ProviderId::Vertex, "everything") => Case::new(provider, "gemini-2.5-flash-image", WILD)
            .with(config)
            .with(|request| request.mime_type = "image/jpeg".to_owned()),
        (provider, other) => panic!("no neutral request for images/{provider}/{other}"),
    };
    Case {
        api_version: api_version(provider, name),
        ..case
    }
}
