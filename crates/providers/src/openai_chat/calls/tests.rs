use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::part_delta::Delta;

use super::*;
use crate::Dialect;
use crate::catalogue::Catalogue;

fn dialect() -> Dialect {
    let provider = ProviderId::Custom;
    Dialect::new(provider, Catalogue::builtin().traits(provider, "m"))
}

/// The calls that the chunks result in: id, name, arguments.
fn calls(chunks: &[&str]) -> Vec<(String, String, String)> {
    let mut draft = Draft::new(dialect());
    let mut calls = Calls::default();
    let mut deltas = Vec::new();
    for chunk in chunks {
        let pieces: Vec<Piece<'_>> = serde_json::from_str(chunk).unwrap();
        for piece in &pieces {
            calls.push(&mut draft, "chatcmpl-9/x", piece, &mut deltas);
        }
    }
    let begun = deltas
        .iter()
        .filter(|delta| matches!(delta.delta, Some(Delta::ToolCall(_))));
    let parts = draft.into_message().parts;
    assert_eq!(begun.count(), parts.len());
    parts
        .into_iter()
        .map(|part| match part.content {
            Some(Content::ToolCall(call)) => (call.id, call.name, call.arguments),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn a_repeated_name_is_not_concatenated() {
    let pieces = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]"#,
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]"#,
    ];
    assert_eq!(calls(&pieces), [call("a", "f", r#"{"x":1}"#)]);
    let without_index = [
        r#"[{"function":{"name":"f","arguments":"{\"x\""}}]"#,
        r#"[{"function":{"name":"f","arguments":":1}"}}]"#,
    ];
    assert_eq!(
        calls(&without_index),
        [call("call_chatcmpl9x_0", "f", r#"{"x":1}"#)]
    );
}

#[test]
fn calls_that_all_have_index_zero_are_distinguished_by_id() {
    let pieces = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
        r#"[{"index":0,"id":"b","function":{"name":"f","arguments":""}}]"#,
        r#"[{"index":0,"function":{"arguments":"{}"}}]"#,
    ];
    assert_eq!(calls(&pieces), [call("a", "f", "{}"), call("b", "f", "{}")]);
}

#[test]
fn a_repeated_id_is_replaced() {
    let pieces = [
        r#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},
            {"index":1,"id":"a","function":{"name":"g","arguments":"{}"}}]"#,
    ];
    assert_eq!(
        calls(&pieces),
        [call("a", "f", "{}"), call("call_chatcmpl9x_1", "g", "{}")]
    );
    let without_index = [
        r#"[{"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
        r#"[{"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
    ];
    assert_eq!(
        calls(&without_index),
        [call("a", "f", "{}"), call("call_chatcmpl9x_1", "f", "{}")]
    );
}

#[test]
fn pieces_without_an_index_continue_the_last_or_the_named_call() {
    let pieces = [
        r#"[{"id":"a","function":{"name":"f","arguments":"{\"x\""}}]"#,
        r#"[{"id":"b","function":{"name":"g","arguments":"{"}}]"#,
        r#"[{"id":"a","function":{"arguments":":1}"}}]"#,
        r#"[{"function":{"arguments":"}"}}]"#,
    ];
    assert_eq!(
        calls(&pieces),
        [call("a", "f", r#"{"x":1}"#), call("b", "g", "{}")]
    );
}

#[test]
fn arguments_may_be_an_object_null_or_missing() {
    let pieces = [
        r#"[{"function":{"name":"f","arguments":{"id": 12345678901234567890123}}}]"#,
        r#"[{"function":{"name":"g","arguments":null}}]"#,
    ];
    assert_eq!(
        calls(&pieces),
        [
            call(
                "call_chatcmpl9x_0",
                "f",
                r#"{"id": 12345678901234567890123}"#
            ),
            call("call_chatcmpl9x_1", "g", "")
        ]
    );
    assert_eq!(
        calls(&[r#"[{"index":0,"id":"a","function":{"name":"f"}}]"#]),
        [call("a", "f", "")]
    );
}

#[test]
fn an_empty_piece_is_ignored() {
    let pieces = [r#"[{"index":3,"function":{"arguments":"{}"}}, {"index":0}, {}]"#];
    assert!(calls(&pieces).is_empty());
}
