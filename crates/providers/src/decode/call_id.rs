//! Synthetic ids for tool calls without a usable id.

/// Returns an id for the n-th call of an answer. It includes the answer's id, because ids must be
/// unique within a conversation.
pub(crate) fn synthetic_call_id(response_id: &str, index: usize) -> String {
    let reversed: Vec<char> = response_id
        .chars()
        .rev()
        .take(RESPONSE_ID_TAIL)
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let tail: String = reversed.into_iter().rev().collect();
    format!("{PREFIX}{tail}_{index}")
}

/// Whether an id has the form of [`synthetic_call_id`]. The provider does not know such an id.
pub(crate) fn is_synthetic(id: &str) -> bool {
    let parts = id
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(tail, index)| {
        tail.len() <= RESPONSE_ID_TAIL
            && tail.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !index.is_empty()
            && index.bytes().all(|byte| byte.is_ascii_digit())
    })
}

const PREFIX: &str = "call_";

/// Keeps synthetic ids within OpenAI's maximum of 40 characters.
const RESPONSE_ID_TAIL: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_ids_are_recognised() {
        for (response_id, index) in [("chatcmpl-9/x", 0), ("", 12), (&"é9".repeat(40), 3)] {
            let id = synthetic_call_id(response_id, index);
            assert!(id.len() <= 40, "{id}");
            assert!(is_synthetic(&id), "{id}");
        }
        for id in [
            "call_abc",
            "a323kt5y",
            "call_a_",
            "call_a-b_0",
            "call__x",
            "",
        ] {
            assert!(!is_synthetic(id), "{id}");
        }
    }
}
