//! Field paths of a request that was expanded by the messages of a transcript.

/// The path of a field as the caller knows it. The first `before` messages come from the transcript;
/// the messages of the request itself count from 0.
pub(super) fn to_caller(field: &str, before: usize) -> String {
    let Some((index, rest)) = indexed(field) else {
        return field.to_owned();
    };
    match index.checked_sub(before) {
        Some(own) => format!("messages[{own}]{rest}"),
        None => format!("transcript[{index}]{rest}"),
    }
}

/// The index in `messages[{index}]…`, and the rest of the path.
fn indexed(field: &str) -> Option<(usize, &str)> {
    let (index, rest) = field.strip_prefix("messages[")?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_request_count_from_zero() {
        assert_eq!(
            to_caller("messages[3].parts[0].text", 3),
            "messages[0].parts[0].text"
        );
        assert_eq!(to_caller("messages[5]", 3), "messages[2]");
        assert_eq!(to_caller("messages[5]", 0), "messages[5]");
    }

    #[test]
    fn messages_of_the_transcript_are_named_transcript() {
        assert_eq!(
            to_caller("messages[2].parts[1]", 3),
            "transcript[2].parts[1]"
        );
    }

    #[test]
    fn other_fields_are_unchanged() {
        for field in ["messages", "model", "tools[3].name", "messages[x]"] {
            assert_eq!(to_caller(field, 3), field);
        }
    }
}
