//! Writes the conversation as a list of items.

use std::borrow::Cow;

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{File, Image, Message, Part, Role, ToolResult, file, image};
use serde::Serialize;
use serde_json::value::RawValue;

use super::item::ItemState;
use crate::catalogue::SystemRole;
use crate::encode::{
    Call, DataUrl, EncodeError, EncodeErrorKind, Locator, LongText, detail, part_field, refuse,
    tool_arguments,
};
use crate::json;

/// An item of the input.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item<'a> {
    /// Reasoning, as it was received.
    Raw(&'a RawValue),
    Message(WireMessage<'a>),
    Typed(Typed<'a>),
}

#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Parts(Vec<ContentPart<'a>>),
    Text(LongText<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum ContentPart<'a> {
    #[serde(rename = "input_file")]
    File {
        #[serde(skip_serializing_if = "str::is_empty")]
        filename: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<DataUrl<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
    #[serde(rename = "input_image")]
    Image {
        image_url: Locator<'a>,
        detail: &'static str,
    },
    #[serde(rename = "input_text")]
    Text { text: LongText<'a> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Typed<'a> {
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: LongText<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Cow<'a, str>>,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: Content<'a>,
    },
    /// An assistant message with the id that OpenAI gave it.
    Message {
        id: Cow<'a, str>,
        role: &'static str,
        content: Vec<OutputPart<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<Cow<'a, str>>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OutputPart<'a> {
    OutputText {
        text: LongText<'a>,
        annotations: [(); 0],
    },
    Refusal {
        refusal: &'a str,
    },
}

/// Writes the conversation. The contract's rules have checked that each part is allowed in its
/// role.
pub(super) fn input<'a>(call: &Call<'a>) -> Result<Vec<Item<'a>>, EncodeError> {
    let mark = call.dialect().state_mark();
    let mut items = Vec::with_capacity(call.request.messages.len());
    for (m, message) in call.request.messages.iter().enumerate() {
        match message.role() {
            Role::System | Role::Unspecified => {
                let role = match call.traits.system_role {
                    SystemRole::Developer => "developer",
                    SystemRole::System => "system",
                };
                items.push(message_item(role, message));
            }
            Role::User => items.push(message_item("user", message)),
            Role::Assistant => assistant(mark, m, message, &mut items)?,
            Role::Tool => {
                for part in &message.parts {
                    if let Some(Neutral::ToolResult(result)) = &part.content {
                        items.push(Item::Typed(output(result)));
                    }
                }
            }
        }
    }
    Ok(items)
}

fn message_item<'a>(role: &'static str, message: &'a Message) -> Item<'a> {
    Item::Message(WireMessage {
        role,
        content: content(&message.parts),
    })
}

fn output(result: &ToolResult) -> Typed<'_> {
    Typed::FunctionCallOutput {
        call_id: &result.tool_call_id,
        output: if result.parts.is_empty() {
            Content::Text(LongText(""))
        } else {
            content(&result.parts)
        },
    }
}

fn content(parts: &[Part]) -> Content<'_> {
    if let [part] = parts
        && let Some(Neutral::Text(text)) = &part.content
    {
        return Content::Text(LongText(text));
    }
    let parts = parts.iter().filter_map(|part| match &part.content {
        Some(Neutral::Text(text)) => Some(ContentPart::Text {
            text: LongText(text),
        }),
        Some(Neutral::Image(image)) => image_part(image),
        Some(Neutral::File(file)) => Some(file_part(file)),
        _ => None,
    });
    Content::Parts(parts.collect())
}

fn image_part(image: &Image) -> Option<ContentPart<'_>> {
    let image_url = match image.source.as_ref()? {
        image::Source::Url(url) => Locator::Url(url),
        image::Source::Blob(blob) => Locator::Data(DataUrl::of(blob)),
    };
    // Required here, unlike in Chat Completions. `auto` is the default.
    let detail = detail(image).unwrap_or("auto");
    Some(ContentPart::Image { image_url, detail })
}

fn file_part(file: &File) -> ContentPart<'_> {
    let (file_data, file_url) = match &file.source {
        Some(file::Source::Blob(blob)) => (Some(DataUrl::of(blob)), None),
        Some(file::Source::Url(url)) => (None, Some(url.as_str())),
        None => (None, None),
    };
    ContentPart::File {
        filename: &file.filename,
        file_data,
        file_url,
    }
}

/// Writes the items of an assistant message. Parts of the same item are joined again.
fn assistant<'a>(
    mark: &str,
    m: usize,
    message: &'a Message,
    items: &mut Vec<Item<'a>>,
) -> Result<(), EncodeError> {
    for (p, part) in message.parts.iter().enumerate() {
        match &part.content {
            Some(Neutral::Reasoning(_)) => {
                if let Some(state) = own_state(mark, part) {
                    items.push(Item::Raw(reasoning(m, p, state)?));
                }
            }
            Some(Neutral::ToolCall(call)) => {
                let state = item_state(mark, (m, p), part)?;
                let (id, status) =
                    state.map_or((None, None), |state| (Some(state.id), state.status));
                items.push(Item::Typed(Typed::FunctionCall {
                    call_id: &call.id,
                    name: &call.name,
                    arguments: LongText(tool_arguments(m, p, call)?.get()),
                    id,
                    status,
                }));
            }
            // An empty text only carries another provider's state.
            Some(Neutral::Text(text)) if text.is_empty() => {}
            Some(Neutral::Text(text)) => {
                let output_part = OutputPart::OutputText {
                    text: LongText(text),
                    annotations: [],
                };
                output_message(item_state(mark, (m, p), part)?, text, output_part, items);
            }
            Some(Neutral::Refusal(refusal)) => {
                let output_part = OutputPart::Refusal { refusal };
                output_message(item_state(mark, (m, p), part)?, refusal, output_part, items);
            }
            _ => {}
        }
    }
    Ok(())
}

fn output_message<'a>(
    state: Option<ItemState<'a>>,
    text: &'a str,
    part: OutputPart<'a>,
    items: &mut Vec<Item<'a>>,
) {
    let Some(state) = state else {
        // A message of another provider has no id. This shorter form needs none.
        items.push(Item::Message(WireMessage {
            role: "assistant",
            content: Content::Text(LongText(text)),
        }));
        return;
    };
    if let Some(Item::Typed(Typed::Message { id, content, .. })) = items.last_mut()
        && *id == state.id
    {
        content.push(part);
        return;
    }
    items.push(Item::Typed(Typed::Message {
        id: state.id,
        role: "assistant",
        content: vec![part],
        status: state.status,
        phase: state.phase,
    }));
}

fn own_state<'a>(mark: &str, part: &'a Part) -> Option<&'a [u8]> {
    let state = part.provider_state.as_ref()?;
    (state.provider == mark).then_some(&state.data[..])
}

fn reasoning(m: usize, p: usize, state: &[u8]) -> Result<&RawValue, EncodeError> {
    let item = str::from_utf8(state).ok().and_then(json::object);
    item.map_or_else(|| invalid_state(m, p), Ok)
}

fn item_state<'a>(
    mark: &str,
    (m, p): (usize, usize),
    part: &'a Part,
) -> Result<Option<ItemState<'a>>, EncodeError> {
    match own_state(mark, part).map(serde_json::from_slice) {
        None => Ok(None),
        Some(Ok(state)) => Ok(Some(state)),
        Some(Err(_)) => invalid_state(m, p),
    }
}

fn invalid_state<T>(m: usize, p: usize) -> Result<T, EncodeError> {
    refuse(
        part_field(m, p, "provider_state.data"),
        EncodeErrorKind::Invalid,
        "was not given by the provider",
    )
}
