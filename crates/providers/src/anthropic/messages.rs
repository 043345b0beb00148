//! Regroups the conversation by Anthropic's rules.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Message, Part, Role};
use serde::Serialize;

use super::blocks::{Block, assistant_block, result_block, user_block};
use crate::encode::{Call, EncodeError, EncodeErrorKind, LongText, part_field, refuse};

/// Instructions at the start of the conversation.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum System<'a> {
    Blocks(Vec<Block<'a>>),
    Text(LongText<'a>),
}

/// A message of one role.
#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: WireRole,
    content: WireContent<'a>,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum WireRole {
    Assistant,
    System,
    User,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireContent<'a> {
    Blocks(Vec<Block<'a>>),
    Text(LongText<'a>),
}

/// Returns the leading instructions and the messages after them.
pub(super) fn conversation<'a>(
    call: &Call<'a>,
) -> Result<(Option<System<'a>>, Vec<WireMessage<'a>>), EncodeError> {
    let all = &call.request.messages;
    let leading = all
        .iter()
        .take_while(|message| message.role() == Role::System)
        .count();
    let (instructions, turns) = all.split_at(leading);
    let mark = call.dialect().state_mark();
    let system = system(mark, instructions)?;
    check_ends(call, leading, turns)?;

    let mut messages: Vec<WireMessage<'a>> = Vec::with_capacity(turns.len());
    // The results of a turn may come in several messages. They are merged with each other and with
    // the next user message.
    let mut results_open = false;
    for (m, message) in turns
        .iter()
        .enumerate()
        .map(|(t, turn)| (leading + t, turn))
    {
        let role = message.role();
        let blocks = blocks(mark, m, message)?;
        match (role, messages.last_mut()) {
            (Role::Tool | Role::User, Some(last)) if results_open => last.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => {
                if role == Role::System && !call.traits.mid_conversation_system {
                    return refuse(
                        format!("messages[{m}].role"),
                        EncodeErrorKind::UnsupportedByProvider,
                        "the model accepts instructions only at the start of the conversation",
                    );
                }
                messages.push(WireMessage::new(role, blocks));
            }
        }
        results_open = role == Role::Tool;
    }
    Ok((system, messages))
}

impl<'a> WireMessage<'a> {
    fn new(role: Role, blocks: Vec<Block<'a>>) -> Self {
        let role = match role {
            Role::Assistant => WireRole::Assistant,
            Role::System => WireRole::System,
            Role::Tool | Role::Unspecified | Role::User => WireRole::User,
        };
        let content = match blocks.as_slice() {
            [Block::Text { text }] => WireContent::Text(*text),
            _ => WireContent::Blocks(blocks),
        };
        Self { role, content }
    }

    fn extend(&mut self, more: Vec<Block<'a>>) {
        if let WireContent::Blocks(blocks) = &mut self.content {
            blocks.extend(more);
        }
    }
}

fn system<'a>(mark: &str, instructions: &'a [Message]) -> Result<Option<System<'a>>, EncodeError> {
    let mut all = Vec::new();
    for (m, message) in instructions.iter().enumerate() {
        all.extend(blocks(mark, m, message)?);
    }
    Ok(match all.as_slice() {
        [] => None,
        [Block::Text { text }] => Some(System::Text(*text)),
        _ => Some(System::Blocks(all)),
    })
}

/// Checks the ends of the conversation. The first turn must be the user's. On some models the last
/// may be the assistant's, which the model continues.
fn check_ends(call: &Call<'_>, leading: usize, turns: &[Message]) -> Result<(), EncodeError> {
    let unsupported = |index: usize, message: &'static str| {
        refuse(
            format!("messages[{}]", leading + index),
            EncodeErrorKind::UnsupportedByProvider,
            message,
        )
    };
    match turns {
        [] => refuse(
            "messages",
            EncodeErrorKind::UnsupportedByProvider,
            "must have a user message",
        ),
        [first, ..] if first.role() != Role::User => unsupported(
            0,
            "the provider requires the first message to be the user's",
        ),
        [.., last] if last.role() == Role::Assistant && !call.traits.prefill => unsupported(
            turns.len() - 1,
            "the model does not continue an assistant message",
        ),
        _ => Ok(()),
    }
}

fn blocks<'a>(mark: &str, m: usize, message: &'a Message) -> Result<Vec<Block<'a>>, EncodeError> {
    let role = message.role();
    let mut blocks = Vec::with_capacity(message.parts.len());
    for (p, part) in message.parts.iter().enumerate() {
        if is_blank(part) {
            if role == Role::Assistant {
                // Other models send line breaks before tool calls. They carry no meaning, and
                // Anthropic refuses them.
                continue;
            }
            return refuse(
                part_field(m, p, "text"),
                EncodeErrorKind::UnsupportedByProvider,
                "the provider does not accept blank text",
            );
        }
        blocks.extend(match role {
            Role::Assistant => assistant_block(mark, (m, p), part)?,
            Role::Tool => result_block((m, p), part)?,
            Role::System | Role::Unspecified | Role::User => user_block((m, p), part)?,
        });
    }
    Ok(blocks)
}

fn is_blank(part: &Part) -> bool {
    match &part.content {
        Some(Content::Text(text) | Content::Refusal(text)) => text.trim().is_empty(),
        _ => false,
    }
}
