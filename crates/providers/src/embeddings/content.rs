//! Google's `embedContent` and `batchEmbedContents`, at AI Studio and at Vertex.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::vector::Vector;
use super::{Call, Embeddings, rules, size_hint};
use crate::decode::Undecodable;
use crate::encode::{EncodeError, LongText, with_options, write_sized};
use crate::json::Count;

/// Writes the body for several texts. Each text is a content of its own: second-generation models
/// compute one vector per content.
pub(super) fn encode_batch(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let config = Config::of(call)?;
    let contents = call.request.inputs.iter().map(|text| Content::of(text));
    if call.target.provider == ProviderId::Vertex {
        let requests = contents.map(|content| Nested {
            content,
            embed_content_config: config.unless_empty(),
        });
        return finish(call, &Batch::of(requests));
    }
    let model = format!("models/{}", call.model);
    let requests = contents.map(|content| Flat {
        content,
        config,
        model: &model,
    });
    finish(call, &Batch::of(requests))
}

/// Writes the body for one text at Vertex AI.
pub(super) fn encode_single(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let config = Config::of(call)?;
    let body = Nested {
        content: Content::of(&call.request.inputs[0]),
        embed_content_config: config.unless_empty(),
    };
    finish(call, &body)
}

fn finish(call: &Call<'_>, body: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
    let body = write_sized(size_hint(call.request), body);
    with_options(body, call.request.provider_options.as_ref(), &[])
}

#[derive(Serialize)]
struct Batch<T> {
    requests: Vec<T>,
}

impl<T> Batch<T> {
    fn of(requests: impl Iterator<Item = T>) -> Self {
        Self {
            requests: requests.collect(),
        }
    }
}

/// The form at AI Studio.
#[derive(Serialize)]
struct Flat<'a> {
    content: Content<'a>,
    #[serde(flatten)]
    config: Config,
    model: &'a str,
}

/// The form at Vertex AI.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Nested<'a> {
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed_content_config: Option<Config>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
    role: &'static str,
}

#[derive(Serialize)]
struct Part<'a> {
    text: LongText<'a>,
}

impl<'a> Content<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            parts: [Part {
                text: LongText(text),
            }],
            role: "user",
        }
    }
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<i32>,
}

impl Config {
    fn of(call: &Call<'_>) -> Result<Self, EncodeError> {
        Ok(Self {
            task_type: rules::task_type(call)?,
            output_dimensionality: call.request.dimensions,
        })
    }

    fn unless_empty(self) -> Option<Self> {
        let empty = self.task_type.is_none() && self.output_dimensionality.is_none();
        (!empty).then_some(self)
    }
}

/// Decodes one or several vectors.
pub(super) fn decode(body: &[u8]) -> Result<Embeddings, Undecodable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let embeddings = match (answer.embeddings, answer.embedding) {
        (Some(many), None) => many,
        (None, Some(one)) => vec![one],
        _ => return Err(Undecodable),
    };
    let vectors = embeddings.into_iter();
    Ok(Embeddings {
        vectors: vectors.map(|one| one.values.into_numbers()).collect(),
        model: String::new(),
        usage: usage(answer.usage_metadata),
        cost_nanos: None,
    })
}

/// Reads usage. Vertex AI reports it, AI Studio may.
fn usage(raw: Option<&RawValue>) -> Option<Usage> {
    let usage: UsageMetadata = serde_json::from_str(raw?.get()).ok()?;
    Some(Usage {
        input_tokens: usage.prompt_token_count?.get(),
        ..Usage::default()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    embeddings: Option<Vec<Embedding>>,
    embedding: Option<Embedding>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vector,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: Option<Count>,
}
