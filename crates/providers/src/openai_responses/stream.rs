//! Streamed Responses answers.

use latchkey_contract::router::v1::{PartDelta, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::response::{End, OutputItem, Response, SUMMARY_SEPARATOR};
use crate::Dialect;
use crate::decode::{Answer, Draft, PartId, Undecodable};
use crate::json::Text;

/// Builds an answer from events.
#[derive(Debug)]
pub(crate) struct Decoder {
    draft: Draft,
    parts: Vec<OpenPart>,
    end: Option<End>,
}

/// An open part, by its output index in events.
#[derive(Debug)]
struct OpenPart {
    output: i64,
    /// The content index; for reasoning, the index of the last summary.
    piece: i64,
    kind: Kind,
    part: PartId,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Call,
    Reasoning,
    Refusal,
    Text,
}

impl Decoder {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            draft: Draft::new(dialect),
            parts: Vec::new(),
            end: None,
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
        let output = event.output_index.unwrap_or_default();
        let more = event.delta.as_deref().unwrap_or_default();
        match &*event.kind {
            "response.output_text.delta" => {
                let piece = event.content_index.unwrap_or_default();
                self.push(Kind::Text, output, piece, more, &mut deltas);
            }
            "response.refusal.delta" => {
                let piece = event.content_index.unwrap_or_default();
                self.push(Kind::Refusal, output, piece, more, &mut deltas);
            }
            "response.function_call_arguments.delta" => {
                self.push(Kind::Call, output, 0, more, &mut deltas);
            }
            "response.reasoning_summary_text.delta" => {
                let piece = event.summary_index.unwrap_or_default();
                self.push(Kind::Reasoning, output, piece, more, &mut deltas);
            }
            "response.reasoning_text.delta" => {
                let piece = event.content_index.unwrap_or_default();
                self.push(Kind::Reasoning, output, piece, more, &mut deltas);
            }
            "response.output_item.added" => {
                let item = read_item(event.item.ok_or(Undecodable)?)?;
                self.begin(output, &item, &mut deltas);
            }
            "response.output_item.done" => {
                let raw = event.item.ok_or(Undecodable)?;
                self.complete(output, raw, &read_item(raw)?, &mut deltas);
            }
            "response.completed" | "response.incomplete" => {
                let raw = event.response.ok_or(Undecodable)?;
                let response: Response<'_> =
                    serde_json::from_str(raw.get()).map_err(|_| Undecodable)?;
                self.end = Some(End::of(&response));
            }
            "error" | "response.failed" => return Err(Undecodable),
            _ => {}
        }
        Ok(deltas)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.end.as_ref()?.usage
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the complete answer. None when the stream was cut.
    pub(crate) fn finish(self) -> Option<Answer> {
        Some(self.end?.answer(self.draft))
    }

    /// Opens the part of an item. Reasoning and calls are opened with their item, texts with their
    /// first delta.
    fn begin(&mut self, output: i64, item: &OutputItem<'_>, deltas: &mut Vec<PartDelta>) {
        match &*item.kind {
            "reasoning" => {
                self.open(Kind::Reasoning, output, 0);
            }
            "function_call" if self.find(Kind::Call, output).is_none() => {
                let id = item.call_id.clone().unwrap_or_default().into_owned();
                let name = item.name.clone().unwrap_or_default().into_owned();
                let (part, delta) = self.draft.open_tool_call(id, name);
                deltas.push(delta);
                self.parts.push(OpenPart {
                    output,
                    piece: 0,
                    kind: Kind::Call,
                    part,
                });
            }
            // Messages, server tools, and types that are unknown here.
            _ => {}
        }
    }

    /// Adds what the deltas of a finished item left out, and its state.
    fn complete(
        &mut self,
        output: i64,
        raw: &RawValue,
        item: &OutputItem<'_>,
        deltas: &mut Vec<PartDelta>,
    ) {
        match &*item.kind {
            "message" => {
                for (piece, content) in (0..).zip(item.content.iter().flatten()) {
                    let text = content.text.as_deref().unwrap_or_default();
                    let refusal = content.refusal.as_deref().unwrap_or_default();
                    self.fill(Kind::Text, output, piece, text, deltas);
                    self.fill(Kind::Refusal, output, piece, refusal, deltas);
                }
                let is_visible = |open: &&OpenPart| matches!(open.kind, Kind::Refusal | Kind::Text);
                let of_item = self.parts.iter().filter(|open| open.output == output);
                for open in of_item.filter(is_visible) {
                    if let Some(state) = item.state() {
                        self.draft.set_state(open.part, state);
                    }
                }
            }
            "reasoning" => {
                let part = self.open(Kind::Reasoning, output, 0);
                if self.draft.is_blank(part) {
                    let pieces = item.summary.iter().chain(&item.content).flatten();
                    let texts = pieces.filter_map(|piece| piece.text.as_deref());
                    for (piece, text) in (0..).zip(texts) {
                        self.push(Kind::Reasoning, output, piece, text, deltas);
                    }
                }
                self.draft.set_state(part, raw.get().to_owned());
            }
            "function_call" => {
                self.begin(output, item, deltas);
                let arguments = item.arguments.as_deref().unwrap_or_default();
                self.fill(Kind::Call, output, 0, arguments, deltas);
                if let (Some(open), Some(state)) = (self.find(Kind::Call, output), item.state()) {
                    let part = open.part;
                    self.draft.set_state(part, state);
                }
            }
            _ => {}
        }
    }

    /// Adds text that arrived with the finished item only.
    fn fill(
        &mut self,
        kind: Kind,
        output: i64,
        piece: i64,
        text: &str,
        deltas: &mut Vec<PartDelta>,
    ) {
        let open = self
            .parts
            .iter()
            .rfind(|open| open.output == output && open.piece == piece && open.kind == kind);
        if open.is_none_or(|open| self.draft.is_blank(open.part)) {
            self.push(kind, output, piece, text, deltas);
        }
    }

    fn push(
        &mut self,
        kind: Kind,
        output: i64,
        piece: i64,
        more: &str,
        deltas: &mut Vec<PartDelta>,
    ) {
        if more.is_empty() {
            return;
        }
        if kind == Kind::Call && self.find(Kind::Call, output).is_none() {
            return; // empty arguments
        }
        let part = self.open(kind, output, piece);
        if kind == Kind::Reasoning
            && let Some(open) = self.find(Kind::Reasoning, output)
            && open.piece != piece
        {
            open.piece = piece;
            deltas.push(self.draft.push(part, SUMMARY_SEPARATOR));
        }
        deltas.push(self.draft.push(part, more));
    }

    /// Finds or opens the part at this position. All summaries of an item are one part.
    fn open(&mut self, kind: Kind, output: i64, piece: i64) -> PartId {
        let one_part = matches!(kind, Kind::Call | Kind::Reasoning);
        let known = self.parts.iter().rfind(|open| {
            open.output == output && open.kind == kind && (one_part || open.piece == piece)
        });
        if let Some(open) = known {
            return open.part;
        }
        let part = match kind {
            Kind::Reasoning => self.draft.open_reasoning(),
            Kind::Refusal => self.draft.open_refusal(),
            Kind::Call | Kind::Text => self.draft.open_text(),
        };
        self.parts.push(OpenPart {
            output,
            piece,
            kind,
            part,
        });
        part
    }

    fn find(&mut self, kind: Kind, output: i64) -> Option<&mut OpenPart> {
        self.parts
            .iter_mut()
            .rfind(|open| open.output == output && open.kind == kind)
    }
}

fn read_item(raw: &RawValue) -> Result<OutputItem<'_>, Undecodable> {
    serde_json::from_str(raw.get()).map_err(|_| Undecodable)
}

/// An event of any type.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    output_index: Option<i64>,
    content_index: Option<i64>,
    summary_index: Option<i64>,
    #[serde(borrow)]
    delta: Option<Text<'a>>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
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

const KNOWN_EVENTS: [&str; 11] = [
    "error",
    "response.completed",
    "response.failed",
    "response.function_call_arguments.delta",
    "response.incomplete",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.refusal.delta",
];
