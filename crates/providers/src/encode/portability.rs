//! What of a conversation a request leaves behind.
//!
//! Everything else that a provider cannot take is refused. These few things are not, for a
//! conversation could never change its model otherwise: state is bound to where it came from, and
//! some marks have no place in some dialects while their words travel.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Loss, Message, Part, loss};

use super::part_field;
use crate::{Api, Dialect, Provider};

/// What the dialect has no place for, in the order of the conversation.
pub(super) fn losses(dialect: Dialect, messages: &[Message]) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (m, message) in messages.iter().enumerate() {
        for (p, part) in message.parts.iter().enumerate() {
            if let Some((kind, provider)) = loss(dialect, part) {
                losses.push(Loss {
                    field: part_field(m, p, ""),
                    kind: kind.into(),
                    provider: provider.to_owned(),
                });
            }
        }
    }
    losses
}

fn loss(dialect: Dialect, part: &Part) -> Option<(loss::Kind, &str)> {
    let owner = part.provider_state.as_ref().map(|state| &*state.provider);
    let carries = carries_state(dialect) && owner == Some(dialect.state_mark());
    match part.content.as_ref()? {
        // With its own state it goes back as it came; else it is nobody's.
        Content::Reasoning(_) if !carries => {
            return Some((loss::Kind::Reasoning, owner.unwrap_or_default()));
        }
        Content::Refusal(_) if !marks_refusals(dialect) => {
            return Some((loss::Kind::RefusalMark, ""));
        }
        Content::ToolResult(result) if result.failed && !marks_failures(dialect) => {
            return Some((loss::Kind::ToolFailureMark, ""));
        }
        // Nothing is lost of an empty text but its state.
        Content::Text(text)
            if !text.is_empty() && text.trim().is_empty() && !takes_blank_texts(dialect) =>
        {
            return Some((loss::Kind::BlankText, ""));
        }
        Content::File(file) if !file.filename.is_empty() && !names_files(dialect) => {
            return Some((loss::Kind::Filename, ""));
        }
        _ => {}
    }
    let left = owner.filter(|_| !carries)?;
    Some((loss::Kind::ProviderState, left))
}

/// Whether parts can carry state of the dialect's own.
fn carries_state(dialect: Dialect) -> bool {
    match dialect.api() {
        Api::GenerateContent | Api::Messages | Api::Responses => true,
        // Their reasoning has fields of its own.
        Api::ChatCompletions => {
            matches!(
                dialect.provider(),
                Provider::DeepSeek | Provider::OpenRouter
            )
        }
    }
}

fn marks_refusals(dialect: Dialect) -> bool {
    match dialect.api() {
        Api::Responses => true,
        Api::ChatCompletions => matches!(dialect.provider(), Provider::Azure | Provider::OpenAi),
        Api::GenerateContent | Api::Messages => false,
    }
}

fn marks_failures(dialect: Dialect) -> bool {
    matches!(dialect.api(), Api::GenerateContent | Api::Messages)
}

/// Anthropic refuses them; other models' line breaks ahead of tool calls mean nothing to it.
fn takes_blank_texts(dialect: Dialect) -> bool {
    dialect.api() != Api::Messages
}

/// Google's parts have no names.
fn names_files(dialect: Dialect) -> bool {
    dialect.api() != Api::GenerateContent
}
