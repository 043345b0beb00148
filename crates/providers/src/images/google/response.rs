//! The body of Google's image answers.

use latchkey_contract::router::v1::GeneratedImage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage;
use crate::ErrorClass;
use crate::decode::Undecodable;
use crate::images::image_data::{self, Hints};
use crate::images::{Images, Outcome, Reader};
use crate::json::Text;

/// Decodes the images, or the reason why there are none. Text beside images and drafts made while
/// thinking are left out.
pub(in crate::images) fn decode(reader: Reader, body: &[u8]) -> Result<Outcome, Undecodable> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    if answer.error.is_some() {
        return Err(Undecodable);
    }
    let mut images = Vec::new();
    let mut text = String::new();
    let mut reason = Text::default();
    let mut reason_text = Text::default();
    for candidate in answer.candidates.unwrap_or_default() {
        let content = candidate.content.unwrap_or_default();
        let parts = content.parts.unwrap_or_default().into_iter();
        for part in parts.filter(|part| part.thought != Some(true)) {
            text.push_str(&part.text.unwrap_or_default());
            if let Some(data) = part.inline_data {
                images.push(image_data::of_base64(
                    &data.data,
                    hints(reader, &data.mime_type),
                )?);
            } else if let Some(file) = part.file_data {
                images.push(image_data::of_url(
                    &file.file_uri,
                    hints(reader, &file.mime_type),
                )?);
            }
        }
        reason = candidate.finish_reason.unwrap_or_default();
        reason_text = candidate.finish_message.unwrap_or_default();
    }
    if !images.is_empty() {
        let model = answer.model_version.unwrap_or_default().into_owned();
        return Ok(Outcome::Made(made(
            images,
            model,
            answer.usage_metadata,
            &text,
        )));
    }
    let blocked = answer.prompt_feedback.unwrap_or_default();
    let block_reason = blocked.block_reason.unwrap_or_default();
    if !block_reason.is_empty() {
        let text = blocked.block_reason_message.unwrap_or_default();
        return Ok(declined(
            ErrorClass::RejectedRequest,
            &block_reason,
            &[&text],
        ));
    }
    let of_policy = POLICY_REASONS.contains(&&*reason);
    if of_policy || !text.is_empty() {
        let texts = [&*reason_text, &text];
        return Ok(declined(ErrorClass::RejectedRequest, &reason, &texts));
    }
    match &*reason {
        "" => Err(Undecodable),
        reason => Ok(declined(ErrorClass::Malformed, reason, &[&reason_text])),
    }
}

fn made(
    images: Vec<GeneratedImage>,
    model: String,
    usage: Option<&RawValue>,
    text: &str,
) -> Images {
    let (usage, service_tier) = usage::read(usage, images.len(), !text.is_empty());
    Images {
        images,
        model,
        usage,
        service_tier,
        cost_nanos: None,
    }
}

/// Takes the first text that is not blank as the message.
fn declined(class: ErrorClass, code: &str, texts: &[&str]) -> Outcome {
    let mut given = texts.iter().filter(|text| !text.trim().is_empty());
    Outcome::Declined {
        class,
        code: code.to_owned(),
        message: match given.next() {
            Some(text) => (*text).to_owned(),
            None => format!("no image was generated: {code}"),
        },
    }
}

fn hints(reader: Reader, mime_type: &str) -> Hints<'_> {
    Hints {
        mime_type,
        answered: None,
        requested: reader.requested,
    }
}

/// Finish reasons of images that were withheld.
const POLICY_REASONS: [&str; 12] = [
    "BLOCKLIST",
    "ESCALATION",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "LANGUAGE",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "PUP_LIMITED_DISABLED",
    "RECITATION",
    "SAFETY",
    "SPII",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(borrow)]
    model_version: Option<Text<'a>>,
    #[serde(borrow)]
    usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    finish_message: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    thought: Option<bool>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    inline_data: Option<InlineData<'a>>,
    #[serde(borrow)]
    file_data: Option<FileData<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InlineData<'a> {
    #[serde(borrow, default)]
    mime_type: Text<'a>,
    #[serde(borrow)]
    data: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileData<'a> {
    #[serde(borrow, default)]
    mime_type: Text<'a>,
    #[serde(borrow)]
    file_uri: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Text<'a>>,
    #[serde(borrow)]
    block_reason_message: Option<Text<'a>>,
}
