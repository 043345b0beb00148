//! Vertex AI's `predict`, for `text-embedding-…` and similar models.

use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::vector::Vector;
use super::{Call, Embeddings, rules, size_hint};
use crate::decode::Undecodable;
use crate::encode::{EncodeError, LongText, with_options, write_sized};
use crate::json::Count;

/// Writes the body.
pub(super) fn encode(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let task_type = rules::task_type(call)?;
    let inputs = call.request.inputs.iter();
    let body = Body {
        instances: inputs
            .map(|text| Instance {
                content: LongText(text),
                task_type,
            })
            .collect(),
        parameters: call.request.dimensions.map(|length| Parameters {
            output_dimensionality: length,
        }),
    };
    let json = write_sized(size_hint(call.request), &body);
    with_options(json, call.request.provider_options.as_ref(), &[])
}

#[derive(Serialize)]
struct Body<'a> {
    instances: Vec<Instance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters>,
}

/// The fields are in snake case; those of the parameters are not.
#[derive(Serialize)]
struct Instance<'a> {
    content: LongText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    output_dimensionality: i32,
}

/// Decodes the vectors.
pub(super) fn decode(body: &[u8]) -> Result<Embeddings, Undecodable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let mut vectors = Vec::with_capacity(answer.predictions.len());
    // Known only if the size of every text is.
    let mut tokens = Some(0_i64);
    for Prediction { embeddings } in answer.predictions {
        let size = size(embeddings.statistics);
        tokens = tokens.zip(size).map(|(sum, size)| sum.saturating_add(size));
        vectors.push(embeddings.values.into_numbers());
    }
    Ok(Embeddings {
        vectors,
        model: String::new(),
        usage: tokens.map(|input_tokens| Usage {
            input_tokens,
            ..Usage::default()
        }),
        cost_nanos: None,
    })
}

/// Reads the size of a text. Invalid sizes are None: they must not fail an answer that was paid
/// for.
fn size(raw: Option<&RawValue>) -> Option<i64> {
    let statistics: Statistics = serde_json::from_str(raw?.get()).ok()?;
    statistics.token_count.map(Count::get)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    predictions: Vec<Prediction<'a>>,
}

#[derive(Deserialize)]
struct Prediction<'a> {
    #[serde(borrow)]
    embeddings: Embedding<'a>,
}

#[derive(Deserialize)]
struct Embedding<'a> {
    values: Vector,
    #[serde(borrow)]
    statistics: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<Count>,
}
