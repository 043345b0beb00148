//! Tool calls that arrive complete or in pieces, sometimes without an id or index.

use latchkey_contract::router::v1::PartDelta;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode::{Draft, PartId, synthetic_call_id};
use crate::json::{self, Text};

/// A tool call or a piece of one.
#[derive(Deserialize)]
pub(super) struct Piece<'a> {
    index: Option<i64>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    arguments: Option<&'a RawValue>,
}

/// The tool calls of a message.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<OpenCall>);

#[derive(Debug)]
struct OpenCall {
    index: Option<i64>,
    /// The server's id. Empty when it sent none.
    id: String,
    part: PartId,
}

impl Calls {
    /// Adds a piece to its call. The piece that has the name starts a call.
    pub(super) fn push(
        &mut self,
        draft: &mut Draft,
        response_id: &str,
        piece: &Piece<'_>,
        deltas: &mut Vec<PartDelta>,
    ) {
        let function = piece.function.as_ref();
        let name = function
            .and_then(|function| function.name.as_deref())
            .unwrap_or_default();
        let id = piece.id.as_deref().unwrap_or_default();
        let part = match self.find(draft, piece.index, id, name) {
            Some(part) => part,
            None if name.is_empty() => return,
            None => {
                let unique = if id.is_empty() || draft.has_tool_call(id) {
                    synthetic_call_id(response_id, self.0.len())
                } else {
                    id.to_owned()
                };
                let (part, delta) = draft.open_tool_call(unique, name.to_owned());
                deltas.push(delta);
                self.0.push(OpenCall {
                    index: piece.index,
                    id: id.to_owned(),
                    part,
                });
                part
            }
        };
        let arguments = function.and_then(|function| function.arguments);
        if let Some(arguments) = arguments {
            let text = arguments_text(arguments);
            if !text.is_empty() {
                deltas.push(draft.push(part, &text));
            }
        }
    }

    /// Finds the call that a piece continues. None when the piece starts one.
    fn find(&self, draft: &Draft, index: Option<i64>, id: &str, name: &str) -> Option<PartId> {
        if index.is_some() {
            let open = self.0.iter().rfind(|open| open.index == index)?;
            // Some servers send index 0 for all calls. A new id with a name then starts another
            // call.
            let another = !id.is_empty() && !name.is_empty() && open.id != id;
            return (!another).then_some(open.part);
        }
        if !id.is_empty() {
            let open = self.0.iter().rfind(|open| open.id == id);
            // A repeated id after complete arguments is a second call.
            return open
                .map(|open| open.part)
                .filter(|part| name.is_empty() || !is_complete(draft, *part));
        }
        let last = self.0.last()?.part;
        (name.is_empty() || !is_complete(draft, last)).then_some(last)
    }
}

fn is_complete(draft: &Draft, part: PartId) -> bool {
    json::object(draft.arguments(part)).is_some()
}

/// Reads arguments: text at OpenAI, an object or null elsewhere.
fn arguments_text<'a>(raw: &'a RawValue) -> Text<'a> {
    let json = raw.get();
    if json.starts_with(['{', '[']) {
        Text::from(json)
    } else {
        serde_json::from_str::<Text<'a>>(json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
