//! Assistant messages as they are sent back.

use latchkey_contract::router::v1::part::Content as Neutral;
use latchkey_contract::router::v1::{Message, Part, Role};

use super::media;
use super::part::{Data, FunctionCall, WirePart};
use super::results::PendingResults;
use crate::decode::is_synthetic;
use crate::encode::{
    Call, EncodeError, EncodeErrorKind, LongText, part_field, refuse, tool_arguments,
};

/// Writes the parts of a message, and registers its calls in `awaited`.
pub(super) fn assistant_parts<'a>(
    call: &Call<'a>,
    m: usize,
    message: &'a Message,
    pending: &mut PendingResults<'a>,
) -> Result<Vec<WirePart<'a>>, EncodeError> {
    let mark = call.dialect().state_mark();
    // Google's own messages have a part with state. Only their call ids are known to Google.
    let own = message.parts.iter().any(|part| is_own(mark, part));
    let numbered = own && call.traits.thought_signatures;
    let mut parts = Vec::with_capacity(message.parts.len());
    for (p, part) in message.parts.iter().enumerate() {
        let state = own_state(mark, (m, p), part)?;
        let data = match &part.content {
            // An empty text only carries another provider's state.
            Some(Neutral::Text(text)) if text.is_empty() && state.is_none() => continue,
            // Requests have no part for refusals, so a refusal is sent as text.
            Some(Neutral::Text(text) | Neutral::Refusal(text)) => Data::Text(LongText(text)),
            // Thoughts of other models are left out. A withheld thought marks where an answer
            // paused.
            Some(Neutral::Reasoning(thought)) if state.is_none() || thought.redacted => continue,
            Some(Neutral::Reasoning(reasoning)) => Data::Text(LongText(&reasoning.text)),
            Some(Neutral::Image(image)) => {
                let part_with_image = media::image(call, image, |field| part_field(m, p, field))?;
                part_with_image.data
            }
            Some(Neutral::ToolCall(made)) => {
                let id = (numbered && !is_synthetic(&made.id)).then_some(made.id.as_str());
                pending.add_call(&made.id, id, &made.name);
                Data::FunctionCall(FunctionCall {
                    id,
                    name: &made.name,
                    args: tool_arguments(m, p, made)?,
                })
            }
            _ => continue,
        };
        parts.push(WirePart {
            thought: matches!(part.content, Some(Neutral::Reasoning(_))),
            // Thoughts may be received without a signature, and are then sent without one.
            thought_signature: state.filter(|signature| !signature.is_empty()),
            ..data.into()
        });
    }
    Ok(parts)
}

/// Returns the token of a paused answer, and the number of final turns that the token replaces.
/// Those turns are not sent.
pub(super) fn pause_token<'a>(call: &Call<'a>) -> Result<Option<(&'a str, usize)>, EncodeError> {
    let messages = &call.request.messages;
    let is_assistant = |message: &&Message| message.role() == Role::Assistant;
    let turns = messages.iter().rev().take_while(is_assistant).count();
    let Some((m, last)) = messages.iter().enumerate().next_back() else {
        return Ok(None);
    };
    let Some((p, part)) = last.parts.iter().enumerate().next_back() else {
        return Ok(None);
    };
    let withheld = matches!(&part.content, Some(Neutral::Reasoning(thought)) if thought.redacted);
    if turns == 0 || !withheld {
        return Ok(None);
    }
    let token = own_state(call.dialect().state_mark(), (m, p), part)?;
    Ok(token.map(|token| (token, turns)))
}

fn is_own(mark: &str, part: &Part) -> bool {
    let state = part.provider_state.as_ref();
    state.is_some_and(|state| state.provider == mark)
}

/// The state of a part, if this endpoint gave it. It was base64 when it was received, so any other
/// bytes are refused.
fn own_state<'a>(
    mark: &str,
    (m, p): (usize, usize),
    part: &'a Part,
) -> Result<Option<&'a str>, EncodeError> {
    let state = part.provider_state.as_ref();
    let Some(state) = state.filter(|state| state.provider == mark) else {
        return Ok(None);
    };
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    match str::from_utf8(&state.data) {
        Ok(signature) if signature.bytes().all(base64) => Ok(Some(signature)),
        _ => refuse(
            part_field(m, p, "provider_state.data"),
            EncodeErrorKind::Invalid,
            "was not given by the provider",
        ),
    }
}
