//! Builds a message from the parts of an answer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use latchkey_contract::router::v1::{Blob, PartDelta};

use super::response::{FunctionCall, InlineData, Part};
use crate::Dialect;
use crate::decode::{Draft, PartId, Undecodable, synthetic_call_id};
use crate::encode::NO_ARGUMENTS;

#[derive(Debug)]
pub(super) struct MessageBuilder {
    pub(super) draft: Draft,
    /// The text or thought that the next piece extends, if neither is signed.
    open: Option<(Kind, PartId)>,
    calls: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    Thought,
}

impl MessageBuilder {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            draft: Draft::new(dialect),
            open: None,
            calls: 0,
        }
    }

    /// Adds the next part.
    pub(super) fn add(
        &mut self,
        part: Part<'_>,
        response_id: &str,
        deltas: &mut Vec<PartDelta>,
    ) -> Result<(), Undecodable> {
        let signature = part.thought_signature.as_deref().unwrap_or_default();
        if let Some(call) = part.function_call {
            let part_id = self.call(&call, response_id, deltas)?;
            self.close(part_id, signature);
        } else if let Some(data) = part.inline_data {
            if let Some(blob) = image_blob(&data)? {
                let part_id = self.draft.open_image(blob);
                self.close(part_id, signature);
            }
        } else if part.text.is_some() || !signature.is_empty() {
            let kind = match part.thought {
                Some(true) => Kind::Thought,
                _ => Kind::Text,
            };
            self.text(
                kind,
                part.text.as_deref().unwrap_or_default(),
                signature,
                deltas,
            );
        } else {
            // Server tools, and types that are unknown here.
            self.open = None;
        }
        Ok(())
    }

    /// Adds a piece of a text or thought. A signed piece remains a part of its own, because the
    /// signature belongs to exactly that part.
    fn text(&mut self, kind: Kind, text: &str, signature: &str, deltas: &mut Vec<PartDelta>) {
        if text.is_empty() && signature.is_empty() {
            return;
        }
        let continued = self
            .open
            .filter(|(open, _)| *open == kind && signature.is_empty());
        let part = match continued {
            Some((_, part)) => part,
            None => self.open_text(kind),
        };
        if !text.is_empty() {
            deltas.push(self.draft.push(part, text));
        }
        if signature.is_empty() {
            self.open = Some((kind, part));
        } else {
            self.close(part, signature);
        }
    }

    fn open_text(&mut self, kind: Kind) -> PartId {
        match kind {
            Kind::Text => self.draft.open_text(),
            Kind::Thought => {
                let part = self.draft.open_reasoning();
                // It may be sent back to its endpoint, signed or not.
                self.draft.set_state(part, "");
                part
            }
        }
    }

    fn call(
        &mut self,
        call: &FunctionCall<'_>,
        response_id: &str,
        deltas: &mut Vec<PartDelta>,
    ) -> Result<PartId, Undecodable> {
        if call.partial_args.is_some() {
            return Err(Undecodable);
        }
        let given = call.id.as_deref().unwrap_or_default();
        let id = if given.is_empty() || self.draft.has_tool_call(given) {
            synthetic_call_id(response_id, self.calls)
        } else {
            given.to_owned()
        };
        self.calls += 1;
        let name = call.name.as_deref().unwrap_or_default().to_owned();
        let (part, delta) = self.draft.open_tool_call(id, name);
        let arguments = call.args.map_or(NO_ARGUMENTS, |args| args.get());
        deltas.push(delta);
        deltas.push(self.draft.push(part, arguments));
        Ok(part)
    }

    fn close(&mut self, part: PartId, signature: &str) {
        if !signature.is_empty() {
            self.draft.set_state(part, signature.to_owned());
        }
        self.open = None;
    }
}

/// Decodes an image. None for other media, which were not requested.
fn image_blob(data: &InlineData<'_>) -> Result<Option<Blob>, Undecodable> {
    let mime_type = data.mime_type.as_deref().unwrap_or_default();
    if !mime_type.starts_with("image/") {
        return Ok(None);
    }
    let base64 = data.data.as_deref().unwrap_or_default();
    // Bytes may be encoded in either alphabet (protobuf's JSON mapping).
    let bytes = STANDARD
        .decode(base64)
        .or_else(|_| URL_SAFE.decode(base64))
        .map_err(|_| Undecodable)?;
    Ok(Some(Blob {
        mime_type: mime_type.to_owned(),
        data: bytes.into(),
    }))
}
