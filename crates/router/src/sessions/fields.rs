//! Where something is, once a transcript stands before the messages of a request.

/// The place of a field for who made the request: the first `before` messages are the transcript's, and
/// the request's own are counted from 0 again.
pub(super) fn place(field: &str, before: usize) -> String {
    let Some((index, rest)) = indexed(field) else {
        return field.to_owned();
    };
    match index.checked_sub(before) {
        Some(own) => format!("messages[{own}]{rest}"),
        None => format!("transcript[{index}]{rest}"),
    }
}

/// The number in `messages[{number}]…`, and what stands behind it.
fn indexed(field: &str) -> Option<(usize, &str)> {
    let (index, rest) = field.strip_prefix("messages[")?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_own_messages_are_counted_from_its_own_first() {
        assert_eq!(
            place("messages[3].parts[0].text", 3),
            "messages[0].parts[0].text"
        );
        assert_eq!(place("messages[5]", 3), "messages[2]");
        assert_eq!(place("messages[5]", 0), "messages[5]");
    }

    #[test]
    fn what_is_in_the_transcript_says_so() {
        assert_eq!(place("messages[2].parts[1]", 3), "transcript[2].parts[1]");
    }

    #[test]
    fn other_fields_stay_where_they_are() {
        for field in ["messages", "model", "tools[3].name", "messages[x]"] {
            assert_eq!(place(field, 3), field);
        }
    }
}
