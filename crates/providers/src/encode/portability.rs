//! What of a conversation a request leaves behind.
//!
//! Everything else that a provider cannot take is refused. These few things are not, for a
//! conversation could never change its model otherwise: state is bound to where it came from, and
//! some marks have no place in some dialects while their words travel.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Loss, Message, Part, Role, loss};

use super::part_field;
use crate::openai_chat::Flavour;
use crate::{Api, Dialect};

/// What the dialect has no place for, in the order of the conversation.
pub(super) fn losses(dialect: Dialect, messages: &[Message]) -> Vec<Loss> {
    let mut losses = Losses {
        dialect,
        found: Vec::new(),
    };
    for (m, message) in messages.iter().enumerate() {
        let mut refusals = 0;
        for (p, part) in message.parts.iter().enumerate() {
            let last = m + 1 == messages.len() && p + 1 == message.parts.len();
            // Where an answer paused is for going on right there.
            let stale = dialect.api() == Api::GenerateContent && withheld(part) && !last;
            losses.of_part((m, p), message.role(), part, &mut refusals, stale);
        }
    }
    losses.found
}

/// The reasoning that goes back to OpenAI as it came, by its id: what becomes a loss if the answer
/// says that it was not used ([`Answer::unused_reasoning`]), as when it came from another
/// organisation.
///
/// [`Answer::unused_reasoning`]: crate::decode::Answer::unused_reasoning
pub(super) fn sent_reasoning(dialect: Dialect, messages: &[Message]) -> Vec<(String, Loss)> {
    let mut sent = Vec::new();
    if dialect.api() != Api::Responses {
        return sent;
    }
    for (m, message) in messages.iter().enumerate() {
        for (p, part) in message.parts.iter().enumerate() {
            let (Some(Content::Reasoning(_)), Some(state)) = (&part.content, &part.provider_state)
            else {
                continue;
            };
            if state.provider == dialect.state_mark()
                && let Some(id) = item_id(&state.data)
            {
                let loss = Loss {
                    field: part_field(m, p, ""),
                    kind: loss::Kind::Reasoning.into(),
                    provider: state.provider.clone(),
                };
                sent.push((id, loss));
            }
        }
    }
    sent
}

/// Whether a part is reasoning that its provider keeps to itself.
fn withheld(part: &Part) -> bool {
    matches!(&part.content, Some(Content::Reasoning(reasoning)) if reasoning.redacted)
}

/// The id of the item that a state is.
fn item_id(state: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Item {
        id: String,
    }
    let item: Item = serde_json::from_slice(state).ok()?;
    Some(item.id)
}

struct Losses {
    dialect: Dialect,
    found: Vec<Loss>,
}

impl Losses {
    /// `refusals` counts those of the message so far; `stale` state has no use any more.
    fn of_part(
        &mut self,
        at: (usize, usize),
        role: Role,
        part: &Part,
        refusals: &mut usize,
        stale: bool,
    ) {
        let Some(content) = &part.content else {
            return;
        };
        let owner = part.provider_state.as_ref().map(|state| &*state.provider);
        let own = owner == Some(self.dialect.state_mark());
        let carried = own && !stale && role == Role::Assistant && self.carries_state(content);
        let field = || part_field(at.0, at.1, "");
        match content {
            // With its own state it goes back as it came; else it is nobody's.
            Content::Reasoning(_) if !carried => {
                self.add(field(), loss::Kind::Reasoning, owner.unwrap_or_default());
                return;
            }
            Content::Text(text) | Content::Refusal(text) if self.drops(role, text) => {
                self.add(field(), loss::Kind::BlankText, "");
            }
            Content::Refusal(_) => {
                *refusals += 1;
                if !self.marks_refusal(*refusals, carried) {
                    self.add(field(), loss::Kind::RefusalMark, "");
                }
            }
            Content::ToolResult(result) => {
                if result.failed && !self.marks_failures() {
                    self.add(field(), loss::Kind::ToolFailureMark, "");
                }
                self.of_result(at, &result.parts);
            }
            Content::File(file) if !file.filename.is_empty() && !self.names_files() => {
                self.add(field(), loss::Kind::Filename, "");
            }
            _ => {}
        }
        if let Some(owner) = owner.filter(|_| !carried) {
            self.add(field(), loss::Kind::ProviderState, owner);
        }
    }

    /// Parts within a result.
    fn of_result(&mut self, (m, p): (usize, usize), parts: &[Part]) {
        for (r, part) in parts.iter().enumerate() {
            let field = || part_field(m, p, &format!("tool_result.parts[{r}]"));
            match &part.content {
                Some(Content::Text(text)) if self.drops(Role::Tool, text) => {
                    self.add(field(), loss::Kind::BlankText, "");
                }
                _ => {}
            }
            if let Some(state) = &part.provider_state {
                self.add(field(), loss::Kind::ProviderState, &state.provider);
            }
        }
    }

    fn add(&mut self, field: String, kind: loss::Kind, provider: &str) {
        self.found.push(Loss {
            field,
            kind: kind.into(),
            provider: provider.to_owned(),
        });
    }

    /// Whether a part of the assistant's goes back with state of the dialect's own.
    fn carries_state(&self, content: &Content) -> bool {
        let reasoning = matches!(content, Content::Reasoning(_));
        match self.dialect.api() {
            Api::GenerateContent | Api::Responses => true,
            Api::Messages => reasoning,
            Api::ChatCompletions => reasoning && self.flavour().replays_reasoning(),
        }
    }

    /// Whether the refusal of this number in its message keeps its mark.
    fn marks_refusal(&self, number: usize, carried: bool) -> bool {
        match self.dialect.api() {
            // Without its state it has no id, and only plain text needs none.
            Api::Responses => carried,
            // The field is for one.
            Api::ChatCompletions => number == 1 && self.flavour().marks_refusals(),
            Api::GenerateContent | Api::Messages => false,
        }
    }

    fn marks_failures(&self) -> bool {
        matches!(self.dialect.api(), Api::GenerateContent | Api::Messages)
    }

    /// Anthropic refuses blank texts. Other models' line breaks ahead of tool calls, and results that
    /// say nothing, mean nothing to it.
    fn drops(&self, role: Role, text: &str) -> bool {
        let unheard = matches!(role, Role::Assistant | Role::Tool);
        // Nothing is lost of an empty text but its state.
        let blank = !text.is_empty() && text.trim().is_empty();
        self.dialect.api() == Api::Messages && unheard && blank
    }

    /// Google's parts have no names.
    fn names_files(&self) -> bool {
        self.dialect.api() != Api::GenerateContent
    }

    fn flavour(&self) -> &'static Flavour {
        Flavour::of(self.dialect.provider())
    }
}
