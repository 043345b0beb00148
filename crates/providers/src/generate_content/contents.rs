//! Regroups the conversation by Google's rules.

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{Message, Role};

use super::assistant::{assistant_parts, pause_token};
use super::media;
use super::part::{Content, Data, WirePart, WireRole};
use super::results::PendingResults;
use crate::encode::{Call, EncodeError, EncodeErrorKind, LongText, part_field, refuse};

/// A regrouped conversation.
pub(super) struct Conversation<'a> {
    /// The leading instructions.
    pub(super) system: Option<Content<'a>>,
    /// The turns after the instructions.
    pub(super) contents: Vec<Content<'a>>,
    /// The token that continues a paused answer.
    pub(super) continuation: Option<&'a str>,
}

pub(super) fn conversation<'a>(call: &Call<'a>) -> Result<Conversation<'a>, EncodeError> {
    let all = &call.request.messages;
    let leading = all
        .iter()
        .take_while(|message| message.role() == Role::System)
        .count();
    let (instructions, turns) = all.split_at(leading);
    let (continuation, turns) = match pause_token(call)? {
        Some((token, answered)) => (Some(token), &turns[..turns.len() - answered]),
        None => (None, turns),
    };
    check_end(call, turns)?;
    Ok(Conversation {
        system: system(instructions),
        contents: contents(call, leading, turns)?,
        continuation,
    })
}

fn contents<'a>(
    call: &Call<'a>,
    leading: usize,
    turns: &'a [Message],
) -> Result<Vec<Content<'a>>, EncodeError> {
    // Google checks signatures after the last user message.
    let last_user = turns
        .iter()
        .rposition(|message| message.role() == Role::User)
        .map(|last| leading + last);
    let mut contents: Vec<Content<'a>> = Vec::with_capacity(turns.len());
    let mut pending = PendingResults::default();
    for (m, message) in (leading..).zip(turns) {
        if message.role() != Role::Tool {
            contents.extend(pending.take_turn());
        }
        match message.role() {
            Role::System => {
                return refuse(
                    format!("messages[{m}].role"),
                    EncodeErrorKind::UnsupportedByProvider,
                    "the provider accepts instructions only at the start of the conversation",
                );
            }
            Role::User | Role::Unspecified => contents.push(Content {
                role: Some(WireRole::User),
                parts: user(call, m, message)?,
            }),
            Role::Assistant => {
                let in_turn = last_user.is_none_or(|last| m > last);
                let parts = assistant_parts(call, m, message, &mut pending)?;
                push_model_turn(&mut contents, parts);
                if call.traits.thought_signatures && in_turn {
                    sign(&mut contents);
                }
            }
            Role::Tool => {
                for (p, part) in message.parts.iter().enumerate() {
                    if let Some(Neutral::ToolResult(result)) = &part.content {
                        pending.set_result(call, (m, p), result)?;
                    }
                }
            }
        }
    }
    contents.extend(pending.take_turn());
    if contents.is_empty() {
        return refuse(
            "messages",
            EncodeErrorKind::UnsupportedByProvider,
            "must have a message other than instructions",
        );
    }
    Ok(contents)
}

fn system(instructions: &[Message]) -> Option<Content<'_>> {
    let parts: Vec<_> = instructions
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| match &part.content {
            Some(Neutral::Text(text)) => Some(Data::Text(LongText(text)).into()),
            _ => None,
        })
        .collect();
    (!parts.is_empty()).then_some(Content { role: None, parts })
}

fn user<'a>(
    call: &Call<'a>,
    m: usize,
    message: &'a Message,
) -> Result<Vec<WirePart<'a>>, EncodeError> {
    let mut parts = Vec::with_capacity(message.parts.len());
    for (p, part) in message.parts.iter().enumerate() {
        let field = |field: &str| part_field(m, p, field);
        match &part.content {
            Some(Neutral::Text(text)) => parts.push(Data::Text(LongText(text)).into()),
            Some(Neutral::Image(image)) => parts.push(media::image(call, image, field)?),
            Some(Neutral::File(file)) => parts.push(media::file(file, field)?),
            _ => {}
        }
    }
    Ok(parts)
}

/// Appends a model turn. Calls must directly follow a user turn, so consecutive model messages are
/// merged into one turn.
fn push_model_turn<'a>(contents: &mut Vec<Content<'a>>, parts: Vec<WirePart<'a>>) {
    match contents.last_mut() {
        Some(last) if last.role == Some(WireRole::Model) => last.parts.extend(parts),
        // Only thoughts of another model were in the message.
        _ if parts.is_empty() => {}
        _ => contents.push(Content {
            role: Some(WireRole::Model),
            parts,
        }),
    }
}

/// Signs the first call of a step, as Google requires. Calls of other and older models get the
/// placeholder that Google documents.
fn sign(contents: &mut [Content<'_>]) {
    let last = contents.last_mut();
    let Some(step) = last.filter(|content| content.role == Some(WireRole::Model)) else {
        return;
    };
    let mut parts = step.parts.iter_mut();
    let first = parts.find(|part| matches!(part.data, Data::FunctionCall(_)));
    if let Some(first) = first {
        first.thought_signature.get_or_insert(UNSIGNED_CALL);
    }
}

/// Checks the last turn. On some models it may be the model's, which is continued.
fn check_end(call: &Call<'_>, turns: &[Message]) -> Result<(), EncodeError> {
    match turns {
        [.., last] if last.role() == Role::Assistant && !call.traits.prefill => refuse(
            format!("messages[{}]", call.request.messages.len() - 1),
            EncodeErrorKind::UnsupportedByProvider,
            "the model does not continue an assistant message",
        ),
        _ => Ok(()),
    }
}

/// The placeholder for the signature of a call that Google did not make.
const UNSIGNED_CALL: &str = "skip_thought_signature_validator";
