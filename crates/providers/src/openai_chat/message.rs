//! Messages of a request.

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{File, Image, Message, Part, Role, ToolResult, file, image};
use serde::Serialize;

use crate::Provider;
use crate::catalogue::SystemRole;
use crate::encode::{
    Call, DataUrl, EncodeError, EncodeErrorKind, Locator, LongText, part_field, refuse,
    tool_arguments,
};

/// A message as it is written.
#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum WireMessage<'a> {
    Assistant {
        /// Null beside tool calls.
        content: Option<Content<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        refusal: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall<'a>>,
    },
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
    file_data: DataUrl<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolCall<'a> {
    Function { id: &'a str, function: Called<'a> },
}

#[derive(Serialize)]
pub(super) struct Called<'a> {
    name: &'a str,
    arguments: LongText<'a>,
}

/// The conversation. Its parts belong to their roles already.
pub(super) fn messages<'a>(call: &Call<'a>) -> Result<Vec<WireMessage<'a>>, EncodeError> {
    let mut messages = Vec::with_capacity(call.request.messages.len());
    for (m, message) in call.request.messages.iter().enumerate() {
        match message.role() {
            Role::System | Role::Unspecified => {
                let content = texts(call.target.provider, message.parts.iter().filter_map(text));
                messages.push(match call.traits.system_role {
                    SystemRole::Developer => WireMessage::Developer { content },
                    SystemRole::System => WireMessage::System { content },
                });
            }
            Role::User => messages.push(WireMessage::User {
                content: user(m, message)?,
            }),
            Role::Assistant => messages.extend(assistant(call.target.provider, m, message)?),
            Role::Tool => {
                for (p, part) in message.parts.iter().enumerate() {
                    if let Some(Neutral::ToolResult(result)) = &part.content {
                        messages.push(tool(call.target.provider, (m, p), result)?);
                    }
                }
            }
        }
    }
    Ok(messages)
}

fn user(m: usize, message: &Message) -> Result<Content<'_>, EncodeError> {
    if let [part] = message.parts.as_slice()
        && let Some(text) = text(part)
    {
        return Ok(Content::Text(LongText(text)));
    }
    let mut parts = Vec::with_capacity(message.parts.len());
    for (p, part) in message.parts.iter().enumerate() {
        match &part.content {
            Some(Neutral::Text(text)) => parts.push(ContentPart::Text {
                text: LongText(text),
            }),
            Some(Neutral::Image(image)) => parts.extend(image_part(image)),
            Some(Neutral::File(file)) => parts.push(file_part(file, m, p)?),
            _ => {}
        }
    }
    Ok(Content::Parts(parts))
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

fn file_part(file: &File, m: usize, p: usize) -> Result<ContentPart<'_>, EncodeError> {
    match &file.source {
        Some(file::Source::Blob(blob)) => Ok(ContentPart::File {
            file: FileData {
                filename: &file.filename,
                file_data: DataUrl::of(blob),
            },
        }),
        _ => refuse(
            part_field(m, p, "file.url"),
            EncodeErrorKind::UnsupportedByProvider,
            "the dialect takes files inline only",
        ),
    }
}

/// Nothing when the message holds reasoning alone.
fn assistant(
    provider: Provider,
    m: usize,
    message: &Message,
) -> Result<Option<WireMessage<'_>>, EncodeError> {
    let mut said = Vec::new();
    let mut declined = None;
    let mut tool_calls = Vec::new();
    for (p, part) in message.parts.iter().enumerate() {
        match &part.content {
            // It stood for another provider's state.
            Some(Neutral::Text(text)) if text.is_empty() => {}
            Some(Neutral::Text(text)) => said.push(text.as_str()),
            // Only OpenAI has a field for one refusal; elsewhere it is what was said.
            Some(Neutral::Refusal(text)) if provider == Provider::OpenAi && declined.is_none() => {
                declined = Some(text.as_str());
            }
            Some(Neutral::Refusal(text)) => said.push(text),
            Some(Neutral::ToolCall(tool_call)) => tool_calls.push(ToolCall::Function {
                id: &tool_call.id,
                function: Called {
                    name: &tool_call.name,
                    arguments: LongText(tool_arguments(m, p, tool_call)?.get()),
                },
            }),
            _ => {}
        }
    }
    if said.is_empty() && declined.is_none() && tool_calls.is_empty() {
        return Ok(None);
    }
    Ok(Some(WireMessage::Assistant {
        content: (!said.is_empty()).then(|| texts(provider, said.into_iter())),
        refusal: declined,
        tool_calls,
    }))
}

fn tool(
    provider: Provider,
    (m, p): (usize, usize),
    result: &ToolResult,
) -> Result<WireMessage<'_>, EncodeError> {
    if let Some(r) = result.parts.iter().position(|part| text(part).is_none()) {
        return refuse(
            part_field(m, p, &format!("tool_result.parts[{r}].image")),
            EncodeErrorKind::UnsupportedByProvider,
            "the dialect takes text from tools only",
        );
    }
    Ok(WireMessage::Tool {
        tool_call_id: &result.tool_call_id,
        content: texts(provider, result.parts.iter().filter_map(text)),
    })
}

/// One text as such. Several as parts, or joined for servers that know no parts here.
fn texts<'a>(provider: Provider, mut texts: impl Iterator<Item = &'a str>) -> Content<'a> {
    let first = texts.next().unwrap_or("");
    let Some(second) = texts.next() else {
        return Content::Text(LongText(first));
    };
    let all = [first, second].into_iter().chain(texts);
    if provider == Provider::Custom {
        Content::Joined(all.collect::<Vec<_>>().join("\n"))
    } else {
        let parts = all.map(|text| ContentPart::Text {
            text: LongText(text),
        });
        Content::Parts(parts.collect())
    }
}

fn text(part: &Part) -> Option<&str> {
    match &part.content {
        Some(Neutral::Text(text)) => Some(text),
        _ => None,
    }
}
