//! Streamed Anthropic answers.

use latchkey_contract::router::v1::{PartDelta, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::{Block, add_refusal, finish_reason, read_usage};
use super::usage::WireUsage;
use crate::Dialect;
use crate::decode::{Answer, Draft, PartId, Undecodable};
use crate::encode::NO_ARGUMENTS;
use crate::json::Text;

/// Builds an answer from events.
#[derive(Debug)]
pub(crate) struct Decoder {
    draft: Draft,
    blocks: Vec<OpenBlock>,
    id: String,
    model: String,
    stop_reason: Option<String>,
    usage: Option<WireUsage>,
    done: bool,
}

/// A content block that was started, by its index in events.
#[derive(Debug)]
struct OpenBlock {
    index: i64,
    kind: Kind,
    /// None for unknown types, and for text without content so far.
    part: Option<PartId>,
    /// Held until the block ends: a signature, or a tool's input that did not come in pieces.
    held: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Other,
    Text,
    Thinking,
    ToolUse,
}

impl Decoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            draft: Draft::new(dialect),
            blocks: Vec::new(),
            id: String::new(),
            model: String::new(),
            stop_reason: None,
            usage: None,
            done: false,
        }
    }

    /// Handles the data of an event.
    pub(crate) fn event(&mut self, data: &str) -> Result<Vec<PartDelta>, Undecodable> {
        let mut deltas = Vec::new();
        let event: Event<'_> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(_) if is_unknown_event(data) => return Ok(deltas),
            Err(_) => return Err(Undecodable),
        };
        match &*event.kind {
            "message_start" => self.start(event.message.ok_or(Undecodable)?),
            "content_block_start" => {
                let block = event.content_block.ok_or(Undecodable)?;
                self.open(event.index, &block, &mut deltas);
            }
            "content_block_delta" => {
                self.push(event.index, event.delta.ok_or(Undecodable)?, &mut deltas);
            }
            "content_block_stop" => self.close(event.index, &mut deltas),
            "message_delta" => {
                self.update_usage(event.usage);
                if let Some(delta) = event.delta {
                    self.stop(delta, &mut deltas);
                }
            }
            "message_stop" => self.done = true,
            "error" => return Err(Undecodable),
            _ => {}
        }
        Ok(deltas)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage.clone().and_then(WireUsage::classes)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.done
    }

    /// Returns the complete answer. None when the stream was cut.
    pub(crate) fn finish(self) -> Option<Answer> {
        if !self.done {
            return None;
        }
        let native = self.stop_reason.unwrap_or_default();
        Some(Answer {
            finish_reason: finish_reason(&native),
            native_finish_reason: native,
            message: self.draft.into_message(),
            model: self.model,
            response_id: self.id,
            service_tier: self
                .usage
                .as_ref()
                .map(WireUsage::service_tier)
                .unwrap_or_default(),
            usage: self.usage.and_then(WireUsage::classes),
            cost_nanos: None,
            unused_reasoning: Vec::new(),
        })
    }

    fn start(&mut self, message: Start<'_>) {
        self.id = message.id.unwrap_or_default().into_owned();
        self.model = message.model.unwrap_or_default().into_owned();
        self.update_usage(message.usage);
    }

    fn update_usage(&mut self, usage: Option<&RawValue>) {
        if let Some(later) = read_usage(usage) {
            self.usage.get_or_insert_default().update(later);
        }
    }

    fn open(&mut self, index: Option<i64>, block: &Block<'_>, deltas: &mut Vec<PartDelta>) {
        let mut open = OpenBlock {
            index: index.unwrap_or_default(),
            kind: Kind::Other,
            part: None,
            held: String::new(),
        };
        match &*block.kind {
            "text" => open.kind = Kind::Text,
            "thinking" => {
                open.kind = Kind::Thinking;
                open.part = Some(self.draft.open_reasoning());
                open.held = block.signature.clone().unwrap_or_default().into_owned();
            }
            "redacted_thinking" => {
                let part = self.draft.open_redacted();
                let data = block.data.clone().unwrap_or_default().into_owned();
                self.draft.set_state(part, data);
            }
            "tool_use" => {
                open.kind = Kind::ToolUse;
                open.held
                    .push_str(block.input.map_or(NO_ARGUMENTS, RawValue::get));
                let id = block.id.clone().unwrap_or_default().into_owned();
                let name = block.name.clone().unwrap_or_default().into_owned();
                let (part, delta) = self.draft.open_tool_call(id, name);
                open.part = Some(part);
                deltas.push(delta);
            }
            // Server tools, and types that are unknown here.
            _ => {}
        }
        self.blocks.push(open);
        let begun = block.text.as_deref().or(block.thinking.as_deref());
        if let Some(text) = begun {
            self.push_text(index, text, deltas);
        }
    }

    fn push(&mut self, index: Option<i64>, delta: Delta<'_>, deltas: &mut Vec<PartDelta>) {
        if let Some(signature) = delta.signature
            && let Some(open) = self.find(index)
            && open.kind == Kind::Thinking
        {
            open.held.push_str(&signature);
        }
        let more = delta.text.or(delta.thinking).or(delta.partial_json);
        if let Some(more) = more {
            self.push_text(index, &more, deltas);
        }
    }

    fn push_text(&mut self, index: Option<i64>, more: &str, deltas: &mut Vec<PartDelta>) {
        let index = index.unwrap_or_default();
        let found = self.blocks.iter_mut().rfind(|open| open.index == index);
        let Some(open) = found.filter(|open| open.kind != Kind::Other && !more.is_empty()) else {
            return;
        };
        let part = *open.part.get_or_insert_with(|| self.draft.open_text());
        deltas.push(self.draft.push(part, more));
    }

    fn close(&mut self, index: Option<i64>, deltas: &mut Vec<PartDelta>) {
        let Some(open) = self.find(index) else {
            return;
        };
        let (kind, part) = (open.kind, open.part);
        let held = std::mem::take(&mut open.held);
        match (kind, part) {
            (Kind::Thinking, Some(part)) if !held.is_empty() => {
                self.draft.set_state(part, held);
            }
            // The input came with the start of the block, or `{}` stands for no input.
            (Kind::ToolUse, Some(part)) if self.draft.is_blank(part) && !held.is_empty() => {
                deltas.push(self.draft.push(part, &held));
            }
            _ => {}
        }
    }

    fn stop(&mut self, delta: Delta<'_>, deltas: &mut Vec<PartDelta>) {
        let Some(reason) = delta.stop_reason.filter(|reason| !reason.is_empty()) else {
            return;
        };
        deltas.extend(add_refusal(&mut self.draft, &reason, delta.stop_details));
        self.stop_reason = Some(reason.into_owned());
    }

    fn find(&mut self, index: Option<i64>) -> Option<&mut OpenBlock> {
        let index = index.unwrap_or_default();
        self.blocks.iter_mut().rfind(|open| open.index == index)
    }
}

/// An event of any type.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    index: Option<i64>,
    #[serde(borrow)]
    message: Option<Start<'a>>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// A delta of a block or of the message.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
}

/// Whether the data is an event of a type that is unknown here, whatever its fields.
fn is_unknown_event(data: &str) -> bool {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(rename = "type", borrow)]
        kind: Text<'a>,
    }
    serde_json::from_str::<Tag<'_>>(data).is_ok_and(|tag| !KNOWN_EVENTS.contains(&&*tag.kind))
}

const KNOWN_EVENTS: [&str; 7] = [
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "error",
    "message_delta",
    "message_start",
    "message_stop",
];
