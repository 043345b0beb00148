//! Builds a message from deltas.

use bytes::Bytes;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;
use latchkey_contract::router::v1::{
    Blob, Image, Message, Part, PartDelta, ProviderState, Reasoning, Role, ToolCall, image,
};

use crate::Dialect;

/// The parts received so far. Each change returns the delta that a reader of the stream needs.
#[derive(Debug)]
pub(crate) struct Draft {
    dialect: Dialect,
    parts: Vec<Part>,
}

/// Identifies a part of a draft.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PartId(usize);

impl Draft {
    /// An empty draft.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            parts: Vec::new(),
        }
    }

    /// The dialect of the answer.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Opens an empty text part. It has no delta.
    pub(crate) fn open_text(&mut self) -> PartId {
        self.open(Content::Text(String::new()))
    }

    pub(crate) fn open_refusal(&mut self) -> PartId {
        self.open(Content::Refusal(String::new()))
    }

    pub(crate) fn open_reasoning(&mut self) -> PartId {
        self.open(Content::Reasoning(Reasoning::default()))
    }

    /// Opens reasoning whose text the provider withholds.
    pub(crate) fn open_redacted(&mut self) -> PartId {
        self.open(Content::Reasoning(Reasoning {
            text: String::new(),
            redacted: true,
        }))
    }

    /// Opens a tool call.
    pub(crate) fn open_tool_call(&mut self, id: String, name: String) -> (PartId, PartDelta) {
        let call = ToolCall {
            id,
            name,
            arguments: String::new(),
        };
        let part = self.open(Content::ToolCall(call.clone()));
        (part, part.delta(Delta::ToolCall(call)))
    }

    /// Adds an image. It arrives complete, so it has no delta.
    pub(crate) fn open_image(&mut self, blob: Blob) -> PartId {
        self.open(Content::Image(Image {
            source: Some(image::Source::Blob(blob)),
            detail: image::Detail::Unspecified.into(),
        }))
    }

    /// Appends to the text, refusal, reasoning or arguments of a part.
    pub(crate) fn push(&mut self, part: PartId, more: &str) -> PartDelta {
        let owned = more.to_owned();
        let delta = match self.parts[part.0].content.as_mut() {
            Some(Content::Text(text)) => {
                text.push_str(more);
                Delta::Text(owned)
            }
            Some(Content::Refusal(text)) => {
                text.push_str(more);
                Delta::Refusal(owned)
            }
            Some(Content::Reasoning(reasoning)) => {
                reasoning.text.push_str(more);
                Delta::Reasoning(owned)
            }
            Some(Content::ToolCall(call)) => {
                call.arguments.push_str(more);
                Delta::ToolCallArguments(owned)
            }
            _ => unreachable!("a draft opens no other parts"),
        };
        part.delta(delta)
    }

    /// Sets the state that must be sent back to the provider with the part.
    pub(crate) fn set_state(&mut self, part: PartId, data: impl Into<Bytes>) {
        self.parts[part.0].provider_state = Some(ProviderState {
            provider: self.dialect.state_mark().to_owned(),
            data: data.into(),
        });
    }

    /// The arguments of a tool call, as far as received.
    pub(crate) fn arguments(&self, part: PartId) -> &str {
        match &self.parts[part.0].content {
            Some(Content::ToolCall(call)) => &call.arguments,
            _ => "",
        }
    }

    /// Whether the part is still empty.
    pub(crate) fn is_blank(&self, part: PartId) -> bool {
        match &self.parts[part.0].content {
            Some(Content::Text(text) | Content::Refusal(text)) => text.is_empty(),
            Some(Content::Reasoning(reasoning)) => reasoning.text.is_empty(),
            Some(Content::ToolCall(call)) => call.arguments.is_empty(),
            _ => true,
        }
    }

    /// Whether no part was opened.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn has_tool_call(&self, id: &str) -> bool {
        self.tool_calls().any(|call| call.id == id)
    }

    pub(crate) fn has_tool_calls(&self) -> bool {
        self.tool_calls().next().is_some()
    }

    pub(crate) fn has_refusal(&self) -> bool {
        let mut contents = self.parts.iter().filter_map(|part| part.content.as_ref());
        contents.any(|content| matches!(content, Content::Refusal(_)))
    }

    pub(crate) fn into_message(self) -> Message {
        Message {
            role: Role::Assistant.into(),
            parts: self.parts,
        }
    }

    fn open(&mut self, content: Content) -> PartId {
        self.parts.push(Part {
            provider_state: None,
            content: Some(content),
        });
        PartId(self.parts.len() - 1)
    }

    fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match &part.content {
            Some(Content::ToolCall(call)) => Some(call),
            _ => None,
        })
    }
}

impl PartId {
    fn delta(self, delta: Delta) -> PartDelta {
        PartDelta {
            // An event within the size limit cannot open two billion parts.
            part_index: i32::try_from(self.0).unwrap_or(i32::MAX),
            delta: Some(delta),
        }
    }
}
