use super::*;

const KEY: &str = "sk-proj-AbCdEf0123456789wxyz";

#[test]
fn a_key_is_redacted_anywhere_in_a_text() {
    for text in [
        KEY,
        &format!("key={KEY};"),
        &format!("(\"{KEY}\")"),
        &format!("a{KEY}b"),
    ] {
        let redacted = redact(text, KEY);
        assert!(redacted.contains(REDACTED), "{text}");
        assert!(!redacted.contains("0123"), "{redacted}");
    }
    // A key with characters that end words.
    assert_eq!(
        redact("user:pass!word is wrong", "user:pass!word"),
        "[redacted] is wrong"
    );
}

#[test]
fn masked_fragments_are_redacted() {
    for text in [
        "sk-proj-********wxyz",
        "****wxyz",
        "sk-p…wxyz",
        "sk-proj-...wxyz",
        "AbCd****",
        "AbCd•••wxyz",
    ] {
        assert_eq!(redact(text, KEY), REDACTED, "{text}");
    }
    // Four characters that are not from the key, or that have no mask beside them.
    assert_eq!(redact("**bold** wxyz", KEY), "**bold** wxyz");
}

#[test]
fn long_fragments_are_redacted_without_a_mask() {
    assert_eq!(
        redact("begins with AbCdEf01 or so", KEY),
        "begins with [redacted] or so"
    );
}

#[test]
fn other_keys_are_redacted_by_their_shape() {
    for text in [
        "sk-ant-api03-zzzz",
        "AIzaSyD-0000",
        "AQ.Ab8RN6I",
        "ya29.not-a-real-token",
        "eyJub3QiOiJyZWFsIn0.e30.eA",
        "key:sk-or-v1-0000",
        "Bearer abcdefgh12345678",
    ] {
        assert!(redact(text, KEY).ends_with(REDACTED), "{text}");
    }
    for text in ["a task-force", "risk-averse", "sk-", "Bearer token"] {
        assert_eq!(redact(text, KEY), text);
    }
}

#[test]
fn a_text_is_cut_at_five_hundred_characters() {
    let redacted = redact(&"é".repeat(5_000), KEY);
    assert_eq!(redacted.chars().count(), 501);
    assert!(redacted.ends_with('…'));
    assert_eq!(redact(&"é".repeat(500), KEY), "é".repeat(500));
}

#[test]
fn line_breaks_become_spaces() {
    assert_eq!(redact("a\r\nb\tc\u{1b}d", KEY), "a  b c d");
}

#[test]
fn an_empty_or_tiny_key_is_not_redacted() {
    for key in ["", "a", "abc"] {
        assert_eq!(redact("an abc of a", key), "an abc of a");
    }
}
