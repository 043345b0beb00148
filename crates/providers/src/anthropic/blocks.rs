//! Content blocks of Anthropic requests.

use std::borrow::Cow;
use std::fmt::Write;

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{File, Image, Part, ToolResult, file, image};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::encode::{
    Base64, EncodeError, EncodeErrorKind, LongText, part_field, refuse, tool_arguments,
};

/// A content block.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "str::is_empty")]
        title: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    RedactedThinking {
        data: &'a str,
    },
    Text {
        text: LongText<'a>,
    },
    Thinking {
        thinking: LongText<'a>,
        signature: &'a str,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: &'a RawValue,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 {
        media_type: &'a str,
        data: Base64<'a>,
    },
    Text {
        media_type: &'a str,
        data: LongText<'a>,
    },
    Url {
        url: &'a str,
    },
}

/// Writes a part of a user message or of instructions.
pub(super) fn user_block(
    at: (usize, usize),
    part: &Part,
) -> Result<Option<Block<'_>>, EncodeError> {
    Ok(match &part.content {
        Some(Content::Text(text)) => Some(Block::Text {
            text: LongText(text),
        }),
        Some(Content::Image(image)) => {
            Some(image_block(image, |field| part_field(at.0, at.1, field))?)
        }
        Some(Content::File(file)) => Some(file_block(at, file)?),
        _ => None,
    })
}

/// Writes a part of an assistant message. None for reasoning of other providers.
pub(super) fn assistant_block<'a>(
    mark: &str,
    at: (usize, usize),
    part: &'a Part,
) -> Result<Option<Block<'a>>, EncodeError> {
    Ok(match &part.content {
        // Requests have no block for refusals, so a refusal is sent as text.
        Some(Content::Text(text) | Content::Refusal(text)) => Some(Block::Text {
            text: LongText(text),
        }),
        Some(Content::ToolCall(call)) => Some(Block::ToolUse {
            id: tool_use_id(&call.id),
            name: &call.name,
            input: tool_arguments(at.0, at.1, call)?,
        }),
        Some(Content::Reasoning(reasoning)) => match own_state(mark, at, part)? {
            None => None,
            Some(data) if reasoning.redacted => Some(Block::RedactedThinking { data }),
            Some(signature) => Some(Block::Thinking {
                thinking: LongText(&reasoning.text),
                signature,
            }),
        },
        _ => None,
    })
}

/// Writes a tool result.
pub(super) fn result_block(
    at: (usize, usize),
    part: &Part,
) -> Result<Option<Block<'_>>, EncodeError> {
    let Some(Content::ToolResult(result)) = &part.content else {
        return Ok(None);
    };
    Ok(Some(Block::ToolResult {
        tool_use_id: tool_use_id(&result.tool_call_id),
        content: result_content(at, result)?,
        is_error: result.failed.then_some(true),
    }))
}

fn result_content(at: (usize, usize), result: &ToolResult) -> Result<Vec<Block<'_>>, EncodeError> {
    let mut blocks = Vec::with_capacity(result.parts.len());
    for (r, part) in result.parts.iter().enumerate() {
        match &part.content {
            // Blank text is equivalent to no content.
            Some(Content::Text(text)) if text.trim().is_empty() => {}
            Some(Content::Text(text)) => blocks.push(Block::Text {
                text: LongText(text),
            }),
            Some(Content::Image(image)) => blocks.push(image_block(image, |field| {
                part_field(at.0, at.1, &format!("tool_result.parts[{r}].{field}"))
            })?),
            _ => {}
        }
    }
    Ok(blocks)
}

fn image_block(image: &Image, field: impl Fn(&str) -> String) -> Result<Block<'_>, EncodeError> {
    let unsupported =
        |at: &str, message| refuse(field(at), EncodeErrorKind::UnsupportedByProvider, message);
    if matches!(image.detail(), image::Detail::Low | image::Detail::High) {
        return unsupported("image.detail", "is not supported by the provider");
    }
    let source = match &image.source {
        Some(image::Source::Url(url)) => Source::Url { url },
        Some(image::Source::Blob(blob)) => {
            if !IMAGE_TYPES.contains(&blob.mime_type.as_str()) {
                return unsupported(
                    "image.blob.mime_type",
                    "the provider accepts image/jpeg, image/png, image/gif and image/webp",
                );
            }
            Source::Base64 {
                media_type: &blob.mime_type,
                data: Base64(&blob.data),
            }
        }
        None => return unsupported("image", "must have a URL or data"),
    };
    Ok(Block::Image { source })
}

fn file_block(at: (usize, usize), file: &File) -> Result<Block<'_>, EncodeError> {
    let unsupported = |field: &str, message| {
        refuse(
            part_field(at.0, at.1, field),
            EncodeErrorKind::UnsupportedByProvider,
            message,
        )
    };
    let source = match &file.source {
        Some(file::Source::Url(url)) => Source::Url { url },
        Some(file::Source::Blob(blob)) => {
            let media_type = blob.mime_type.as_str();
            match (media_type, str::from_utf8(&blob.data)) {
                ("application/pdf", _) => Source::Base64 {
                    media_type,
                    data: Base64(&blob.data),
                },
                ("text/plain", Ok(data)) => Source::Text {
                    media_type,
                    data: LongText(data),
                },
                _ => {
                    return unsupported(
                        "file.blob.mime_type",
                        "the provider accepts application/pdf, and text/plain in UTF-8",
                    );
                }
            }
        }
        None => return unsupported("file", "must have a URL or data"),
    };
    Ok(Block::Document {
        source,
        title: &file.filename,
    })
}

/// The state of a part, if Anthropic gave it. It was text when it was received, so any other bytes
/// are refused.
fn own_state<'a>(
    mark: &str,
    at: (usize, usize),
    part: &'a Part,
) -> Result<Option<&'a str>, EncodeError> {
    let own = part
        .provider_state
        .as_ref()
        .filter(|state| state.provider == mark);
    let Some(state) = own else {
        return Ok(None);
    };
    match str::from_utf8(&state.data) {
        Ok(text) => Ok(Some(text)),
        Err(_) => refuse(
            part_field(at.0, at.1, "provider_state.data"),
            EncodeErrorKind::Invalid,
            "was not given by the provider",
        ),
    }
}

/// Rewrites ids to Anthropic's `[A-Za-z0-9_-]`, calls and results alike. Every other byte becomes
/// an underscore and two hexadecimal digits.
fn tool_use_id(id: &str) -> Cow<'_, str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if id.bytes().all(allowed) {
        return Cow::Borrowed(id);
    }
    let mut rewritten = String::with_capacity(id.len() + 8);
    for byte in id.bytes() {
        if allowed(byte) {
            rewritten.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(rewritten, "_{byte:02x}");
        }
    }
    Cow::Owned(rewritten)
}

const IMAGE_TYPES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];
