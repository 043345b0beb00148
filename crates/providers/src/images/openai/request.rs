//! The body of OpenAI's image requests.

use latchkey_contract::ProviderId;
use serde::Serialize;

use crate::encode::{EncodeError, LongText, Reserved, with_options, write_sized};
use crate::images::format::Format;
use crate::images::{Call, rules, size_hint};

/// Fields that change how the answer must be read, or the number of images.
const RESERVED: Reserved = &["n", "partial_images", "stream"];

/// Writes the body.
pub(in crate::images) fn encode(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let request = call.request;
    if call.target.provider != ProviderId::OpenRouter {
        rules::refuse_if_set("aspect_ratio", &request.aspect_ratio)?;
    }
    let body = Body {
        model: call.model,
        prompt: LongText(&request.prompt),
        n: (request.count > 0).then_some(request.count),
        size: &request.size,
        aspect_ratio: &request.aspect_ratio,
        quality: &request.quality,
        background: &request.background,
        output_format: output_format(call)?,
    };
    let json = write_sized(size_hint(request), &body);
    with_options(json, request.provider_options.as_ref(), RESERVED)
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    prompt: LongText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<i32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    size: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    aspect_ratio: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    quality: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    background: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
}

fn output_format(call: &Call<'_>) -> Result<Option<&'static str>, EncodeError> {
    if call.request.mime_type.is_empty() {
        return Ok(None);
    }
    match Format::of_mime_type(&call.request.mime_type) {
        Some(Format::Gif) if call.target.provider == ProviderId::OpenRouter => {
            rules::unsupported("mime_type", "is not a format that the provider generates")
        }
        Some(format) => Ok(Some(format.openai_name())),
        None => rules::unsupported("mime_type", "is not a format that the provider generates"),
    }
}
