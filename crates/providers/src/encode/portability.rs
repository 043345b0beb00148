//! Parts of a conversation that a request does not carry, although it is sent.
//!
//! Most of what a provider does not support is refused. These few losses are allowed, because
//! otherwise a conversation could never change its model: provider state is bound to its provider,
//! and some marks have no place in some dialects although their text does.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Loss, Message, Part, Role, loss};

use super::part_field;
use crate::openai_chat::Flavour;
use crate::{Api, Dialect};

/// The parts that the dialect has no place for, in the order of the conversation.
pub(super) fn losses(dialect: Dialect, messages: &[Message]) -> Vec<Loss> {
    let mut losses = Losses {
        dialect,
        found: Vec::new(),
    };
    for (m, message) in messages.iter().enumerate() {
        let mut refusals = 0;
        for (p, part) in message.parts.iter().enumerate() {
            let last = m + 1 == messages.len() && p + 1 == message.parts.len();
            // A pause token is valid only at the end of the conversation.
            let stale = dialect.api() == Api::GenerateContent && withheld(part) && !last;
            losses.of_part((m, p), message.role(), part, &mut refusals, stale);
        }
    }
    losses.found
}

/// The reasoning items that are sent back to OpenAI, by id. Each becomes a loss if the answer says
/// that it was not used ([`Answer::unused_reasoning`]), as when it came from another organisation.
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

/// Whether a part is reasoning whose text the provider withheld.
fn withheld(part: &Part) -> bool {
    matches!(&part.content, Some(Content::Reasoning(reasoning)) if reasoning.redacted)
}

/// The `id` field of a state.
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
    /// Adds the losses of a part. `refusals` is the number of refusals in the message so far;
    /// `stale` state is no longer valid.
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
            // Reasoning is sent back with this dialect's own state, or not at all.
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

    /// Adds the losses of the parts of a tool result.
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

    /// Whether the dialect's own state on such an assistant part is sent back.
    fn carries_state(&self, content: &Content) -> bool {
        let reasoning = matches!(content, Content::Reasoning(_));
        match self.dialect.api() {
            Api::GenerateContent | Api::Responses => true,
            Api::Messages => reasoning,
            Api::ChatCompletions => reasoning && self.flavour().replays_reasoning(),
        }
    }

    /// Whether the n-th refusal of a message is still marked as a refusal.
    fn marks_refusal(&self, number: usize, carried: bool) -> bool {
        match self.dialect.api() {
            // Without state the item has no id, and only plain text can be sent without one.
            Api::Responses => carried,
            // A message has one field for a refusal.
            Api::ChatCompletions => number == 1 && self.flavour().marks_refusals(),
            Api::GenerateContent | Api::Messages => false,
        }
    }

    fn marks_failures(&self) -> bool {
        matches!(self.dialect.api(), Api::GenerateContent | Api::Messages)
    }

    /// Whether a blank text is left out. Anthropic refuses blank texts. Line breaks before other
    /// models' tool calls, and blank tool results, carry no meaning.
    fn drops(&self, role: Role, text: &str) -> bool {
        let unheard = matches!(role, Role::Assistant | Role::Tool);
        // An empty text has nothing to lose but its state.
        let blank = !text.is_empty() && text.trim().is_empty();
        self.dialect.api() == Api::Messages && unheard && blank
    }

    /// Whether files keep their names. Google's parts have no field for them.
    fn names_files(&self) -> bool {
        self.dialect.api() != Api::GenerateContent
    }

    fn flavour(&self) -> &'static Flavour {
        Flavour::of(self.dialect.provider())
    }
}
