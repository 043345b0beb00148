//! Writes bodies. Data borrowed from the request is copied once, into the buffer.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Blob, GenerateRequest, Image, file, image};
use serde::{Serialize, Serializer};

use super::text::TextFormatter;

/// Serialises a body into a buffer of the estimated size.
pub(crate) fn write<T: Serialize>(request: &GenerateRequest, body: &T) -> Vec<u8> {
    write_sized(size_hint(request), body)
}

/// Serialises a body into a buffer of `size_hint` bytes.
pub(crate) fn write_sized<T: Serialize>(size_hint: usize, body: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_hint);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, TextFormatter);
    body.serialize(&mut serializer)
        .expect("writing to a Vec cannot fail, and all map keys are strings");
    bytes
}

/// A URL or a `data:` URL, written as one string.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Locator<'a> {
    Data(DataUrl<'a>),
    Url(&'a str),
}

/// A `data:` URL (RFC 2397).
pub(crate) struct DataUrl<'a>(&'a Blob);

impl<'a> DataUrl<'a> {
    pub(crate) fn of(blob: &'a Blob) -> Self {
        Self(blob)
    }
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!(
            "data:{};base64,{}",
            self.0.mime_type,
            Base64Display::new(&self.0.data, &STANDARD)
        ))
    }
}

/// Bytes that serialise as base64.
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// OpenAI's name of the image detail. None for the default.
pub(crate) fn detail(image: &Image) -> Option<&'static str> {
    match image.detail() {
        image::Detail::Unspecified => None,
        image::Detail::Low => Some("low"),
        image::Detail::High => Some("high"),
        image::Detail::Auto => Some("auto"),
    }
}

/// Estimates the size of the body in bytes.
fn size_hint(request: &GenerateRequest) -> usize {
    const PART_OVERHEAD: usize = 96;
    const BODY_OVERHEAD: usize = 512;
    let parts: usize = request
        .messages
        .iter()
        .flat_map(|message| &message.parts)
        .map(|part| PART_OVERHEAD + part.content.as_ref().map_or(0, content_size))
        .sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| PART_OVERHEAD + tool.json_schema.len() + tool.description.len())
        .sum();
    BODY_OVERHEAD + parts + tools
}

fn content_size(content: &Content) -> usize {
    let base64 = |blob: &Blob| blob.data.len().div_ceil(3) * 4;
    match content {
        // Quotes and line breaks take one more byte each.
        Content::Text(text) | Content::Refusal(text) => text.len() + text.len() / 8,
        Content::Image(image) => match &image.source {
            Some(image::Source::Blob(blob)) => base64(blob),
            Some(image::Source::Url(url)) => url.len(),
            None => 0,
        },
        Content::File(file) => match &file.source {
            Some(file::Source::Blob(blob)) => base64(blob),
            Some(file::Source::Url(url)) => url.len(),
            None => 0,
        },
        Content::ToolCall(call) => call.arguments.len() + call.arguments.len() / 8,
        Content::ToolResult(result) => {
            let parts = result.parts.iter();
            parts
                .filter_map(|part| part.content.as_ref())
                .map(content_size)
                .sum()
        }
        Content::Reasoning(reasoning) => reasoning.text.len(),
    }
}
