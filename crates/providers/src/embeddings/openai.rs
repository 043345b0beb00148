//! Embeddings of OpenAI, Azure, OpenRouter and compatible servers.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::vector::Vector;
use super::{Call, Embeddings, rules, size_hint};
use crate::decode::Undecodable;
use crate::encode::{EncodeError, LongText, Reserved, with_options, write_sized};
use crate::json::{Count, Text};
use crate::money;

/// Fields that change how the answer must be read.
const RESERVED: Reserved = &["encoding_format"];

/// Writes the body.
pub(super) fn encode(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    rules::task_type(call)?;
    let body = Body {
        model: call.model,
        input: Texts(&call.request.inputs),
        dimensions: call.request.dimensions,
        encoding_format: encoding_format(call.target.provider),
    };
    let json = write_sized(size_hint(call.request), &body);
    with_options(json, call.request.provider_options.as_ref(), RESERVED)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Texts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
}

struct Texts<'a>(&'a [String]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|text| LongText(text)))
    }
}

/// The encoding to request. OpenAI's SDK requests base64, a quarter of the size. OpenRouter's SDK
/// does not, and some compatible servers refuse the field. Both encodings are decoded.
fn encoding_format(provider: ProviderId) -> Option<&'static str> {
    matches!(provider, ProviderId::Azure | ProviderId::OpenAi).then_some("base64")
}

/// Decodes the vectors.
pub(super) fn decode(provider: ProviderId, body: &[u8]) -> Result<Embeddings, Undecodable> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    if list.error.is_some() {
        return Err(Undecodable);
    }
    Ok(Embeddings {
        vectors: in_order(list.data.ok_or(Undecodable)?)?,
        model: list.model.unwrap_or_default().into_owned(),
        usage: usage(list.usage),
        cost_nanos: match provider {
            ProviderId::OpenRouter => money::cost_in(list.usage),
            _ => None,
        },
    })
}

/// Sorts the vectors by the index of their input. A vector without an index keeps its position:
/// servers that use protobuf omit zeros.
fn in_order(items: Vec<Item>) -> Result<Vec<Vec<f32>>, Undecodable> {
    let mut vectors = vec![Vec::new(); items.len()];
    for (position, item) in items.into_iter().enumerate() {
        let place = item.index.unwrap_or(position);
        // Vectors are never empty, so an empty slot is free.
        match vectors.get_mut(place) {
            Some(free) if free.is_empty() => *free = item.embedding.into_numbers(),
            _ => return Err(Undecodable),
        }
    }
    Ok(vectors)
}

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for.
fn usage(raw: Option<&RawValue>) -> Option<Usage> {
    let usage: WireUsage = serde_json::from_str(raw?.get()).ok()?;
    // There is no output, so the total is the input. Some servers report only the total.
    let input = usage.prompt_tokens.or(usage.total_tokens)?;
    Some(Usage {
        input_tokens: input.get(),
        ..Usage::default()
    })
}

#[derive(Deserialize)]
struct List<'a> {
    data: Option<Vec<Item>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vector,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<Count>,
    total_tokens: Option<Count>,
}
