//! The wire types of contents and their parts.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::encode::{Base64, LongText};

/// A turn or the instructions.
#[derive(Serialize)]
pub(super) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<WireRole>,
    pub(super) parts: Vec<WirePart<'a>>,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireRole {
    Model,
    User,
}

/// A part: data of one type, and its attributes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePart<'a> {
    #[serde(flatten)]
    pub(super) data: Data<'a>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_resolution: Option<MediaResolution>,
}

impl<'a> From<Data<'a>> for WirePart<'a> {
    fn from(data: Data<'a>) -> Self {
        Self {
            data,
            thought: false,
            thought_signature: None,
            media_resolution: None,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Data<'a> {
    FileData(FileData<'a>),
    FunctionCall(FunctionCall<'a>),
    FunctionResponse(FunctionResponse<'a>),
    InlineData(InlineData<'a>),
    Text(LongText<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'static str>,
    pub(super) file_uri: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlineData<'a> {
    pub(super) mime_type: &'a str,
    pub(super) data: Base64<'a>,
}

#[derive(Serialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) args: &'a RawValue,
}

#[derive(Serialize)]
pub(super) struct FunctionResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) response: Outcome<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<ResponsePart<'a>>,
}

/// A result object with one of the two keys that Google defines.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome<'a> {
    Error(#[serde(serialize_with = "long_text")] Cow<'a, str>),
    Output(#[serde(serialize_with = "long_text")] Cow<'a, str>),
}

/// An image beside the text of a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ResponsePart<'a> {
    FileData(FileData<'a>),
    InlineData(InlineData<'a>),
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct MediaResolution {
    pub(super) level: &'static str,
}

fn long_text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    LongText(text).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}
