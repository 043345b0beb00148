//! The wire types of answers. A complete answer and a chunk have the same shape.

use latchkey_contract::router::v1::FinishReason;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::stream::Decoder;
use crate::Dialect;
use crate::decode::{Answer, Draft, Undecodable};
use crate::json::Text;

/// Decodes a complete answer.
pub(crate) fn decode(dialect: Dialect, body: &[u8]) -> Result<Answer, Undecodable> {
    let response: Response<'_> = serde_json::from_slice(body).map_err(|_| Undecodable)?;
    let answered = response
        .candidates
        .as_ref()
        .is_some_and(|all| !all.is_empty());
    let mut decoder = Decoder::new(dialect);
    decoder.handle_chunk(response, &mut Vec::new())?;
    if answered {
        decoder.end_without_reason();
    }
    decoder.finish().ok_or(Undecodable)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Option<PromptFeedback<'a>>,
    #[serde(borrow)]
    pub(super) usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model_version: Option<Text<'a>>,
    #[serde(borrow)]
    #[serde(rename = "responseId")]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub(super) index: Option<i64>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    /// An explanation of the finish reason.
    #[serde(borrow)]
    pub(super) finish_message: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) continuation_token: Option<Text<'a>>,
}

/// Why the prompt was blocked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow)]
    pub(super) block_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) block_reason_message: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<Part<'a>>>,
}

/// A part of any type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    pub(super) thought: Option<bool>,
    #[serde(borrow)]
    pub(super) thought_signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function_call: Option<FunctionCall<'a>>,
    #[serde(borrow)]
    pub(super) inline_data: Option<InlineData<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
    /// Arguments in pieces, which are never requested.
    pub(super) partial_args: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    #[serde(borrow)]
    pub(super) mime_type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Text<'a>>,
}

/// Maps the finish reason. Google has no reason for tool calls.
pub(super) fn finish_reason(native: &str, draft: &Draft) -> FinishReason {
    match native {
        "STOP" if draft.has_tool_calls() => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "CONTINUATION" => FinishReason::Paused,
        native if is_filter(native) => FinishReason::ContentFilter,
        _ => FinishReason::Unspecified,
    }
}

/// Whether Google withheld the answer.
pub(super) fn is_filter(native: &str) -> bool {
    FILTERS.contains(&native)
}

const FILTERS: [&str; 11] = [
    "BLOCKLIST",
    "ESCALATION",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "LANGUAGE",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
];
