//! Messages of Chat Completions requests.

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{File, Image, Message, Part, Role, ToolResult, file, image};
use serde::Serialize;

use super::assistant::Assistant;
use super::flavour::{Files, Flavour};
use crate::catalogue::SystemRole;
use crate::encode::{
    Call, DataUrl, EncodeError, EncodeErrorKind, Locator, LongText, part_field, refuse,
};

/// A message on the wire.
#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum WireMessage<'a> {
    Assistant(Box<Assistant<'a>>),
    Developer {
        content: Content<'a>,
    },
    System {
        content: Content<'a>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Content<'a>,
    },
    User {
        content: Content<'a>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Joined(String),
    Parts(Vec<ContentPart<'a>>),
    Text(LongText<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    File { file: FileData<'a> },
    ImageUrl { image_url: ImageUrl<'a> },
    Text { text: LongText<'a> },
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'a> {
    url: Locator<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    filename: &'a str,
    file_data: Locator<'a>,
}

/// Writes the conversation. The contract's rules have checked that each part is allowed in its
/// role.
pub(super) fn messages<'a>(
    call: &Call<'a>,
    flavour: &Flavour,
) -> Result<Vec<WireMessage<'a>>, EncodeError> {
    let request = call.request;
    let mark = call.dialect().state_mark();
    let tools = has_tools(&request.messages) || !request.tools.is_empty();
    let mut messages = Vec::with_capacity(request.messages.len());
    for (m, message) in request.messages.iter().enumerate() {
        match message.role() {
            Role::System | Role::Unspecified => {
                let content = texts(flavour, message.parts.iter().filter_map(text));
                messages.push(match call.traits.system_role {
                    SystemRole::Developer => WireMessage::Developer { content },
                    SystemRole::System => WireMessage::System { content },
                });
            }
            Role::User => messages.push(WireMessage::User {
                content: content(flavour, &message.parts, |p, field| part_field(m, p, field))?,
            }),
            Role::Assistant => {
                let assistant = Assistant::of(flavour, mark, tools, m, message)?;
                messages.extend(assistant.map(Box::new).map(WireMessage::Assistant));
            }
            Role::Tool => {
                for (p, part) in message.parts.iter().enumerate() {
                    if let Some(Neutral::ToolResult(result)) = &part.content {
                        messages.push(tool(flavour, (m, p), result)?);
                    }
                }
            }
        }
    }
    Ok(messages)
}

/// Writes one text as a string, and several as parts, or joined for servers that accept strings
/// only.
pub(super) fn texts<'a>(
    flavour: &Flavour,
    mut texts: impl Iterator<Item = &'a str>,
) -> Content<'a> {
    let first = texts.next().unwrap_or("");
    let Some(second) = texts.next() else {
        return Content::Text(LongText(first));
    };
    let all = [first, second].into_iter().chain(texts);
    if flavour.text_parts {
        let parts = all.map(|text| ContentPart::Text {
            text: LongText(text),
        });
        Content::Parts(parts.collect())
    } else {
        joined(&all.collect::<Vec<_>>())
    }
}

/// Joins texts with line breaks.
pub(super) fn joined<'a>(texts: &[&'a str]) -> Content<'a> {
    match texts {
        [] => Content::Text(LongText("")),
        [text] => Content::Text(LongText(text)),
        _ => Content::Joined(texts.join("\n")),
    }
}

fn has_tools(messages: &[Message]) -> bool {
    let mut parts = messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| matches!(part.content, Some(Neutral::ToolCall(_))))
}

/// Writes texts, images and files.
fn content<'a>(
    flavour: &Flavour,
    parts: &'a [Part],
    field: impl Fn(usize, &str) -> String,
) -> Result<Content<'a>, EncodeError> {
    if parts.iter().all(|part| text(part).is_some()) {
        return Ok(texts(flavour, parts.iter().filter_map(text)));
    }
    let mut list = Vec::with_capacity(parts.len());
    for (p, part) in parts.iter().enumerate() {
        match &part.content {
            Some(Neutral::Text(text)) => list.push(ContentPart::Text {
                text: LongText(text),
            }),
            Some(Neutral::Image(image)) => list.extend(image_part(image)),
            Some(Neutral::File(file)) => list.push(file_part(flavour, file, |at| field(p, at))?),
            _ => {}
        }
    }
    Ok(Content::Parts(list))
}

fn image_part(image: &Image) -> Option<ContentPart<'_>> {
    let url = match image.source.as_ref()? {
        image::Source::Url(url) => Locator::Url(url),
        image::Source::Blob(blob) => Locator::Data(DataUrl::of(blob)),
    };
    let detail = crate::encode::detail(image);
    Some(ContentPart::ImageUrl {
        image_url: ImageUrl { url, detail },
    })
}

fn file_part<'a>(
    flavour: &Flavour,
    file: &'a File,
    field: impl Fn(&str) -> String,
) -> Result<ContentPart<'a>, EncodeError> {
    let unsupported = |at: &str, message| {
        let kind = EncodeErrorKind::UnsupportedByProvider;
        refuse(field(at), kind, message)
    };
    let file_data = match (&file.source, flavour.files) {
        (_, Files::Stored) => {
            return unsupported("file", "the provider accepts only files in its own storage");
        }
        (Some(file::Source::Blob(blob)), _) => Locator::Data(DataUrl::of(blob)),
        (Some(file::Source::Url(url)), Files::InlineOrLinked) => Locator::Url(url),
        _ => return unsupported("file.url", "the provider accepts files as data only"),
    };
    Ok(ContentPart::File {
        file: FileData {
            filename: &file.filename,
            file_data,
        },
    })
}

fn tool<'a>(
    flavour: &Flavour,
    (m, p): (usize, usize),
    result: &'a ToolResult,
) -> Result<WireMessage<'a>, EncodeError> {
    let field = |r: usize, at: &str| part_field(m, p, &format!("tool_result.parts[{r}].{at}"));
    let other = result.parts.iter().position(|part| text(part).is_none());
    let content = match other {
        None => texts(flavour, result.parts.iter().filter_map(text)),
        Some(_) if flavour.tool_images => content(flavour, &result.parts, field)?,
        Some(r) => {
            return refuse(
                field(r, "image"),
                EncodeErrorKind::UnsupportedByProvider,
                "the provider accepts only text in tool results",
            );
        }
    };
    Ok(WireMessage::Tool {
        tool_call_id: &result.tool_call_id,
        content,
    })
}

fn text(part: &Part) -> Option<&str> {
    match &part.content {
        Some(Neutral::Text(text)) => Some(text),
        _ => None,
    }
}
