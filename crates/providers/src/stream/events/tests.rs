use std::convert::Infallible;
use std::io;

use futures_util::{FutureExt, stream};

use super::*;

/// Parses chunks that are available at once.
fn read(chunks: &[&[u8]]) -> Vec<Result<SseEvent, SseError>> {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)))
        .collect();
    events(stream::iter(chunks))
        .collect()
        .now_or_never()
        .unwrap()
}

fn data(chunks: &[&[u8]]) -> Vec<String> {
    let events = read(chunks).into_iter();
    events.map(|event| event.unwrap().data).collect()
}

#[test]
fn lines_end_in_lf_cr_or_crlf() {
    for text in [
        "data: a\n\ndata: b\n\n",
        "data: a\r\rdata: b\r\r",
        "data: a\r\n\r\ndata: b\r\n\r\n",
    ] {
        assert_eq!(data(&[text.as_bytes()]), ["a", "b"], "{text:?}");
    }
    // A CR at the end of a chunk may be half of a CRLF.
    assert_eq!(
        data(&[b"data: a\r", b"\n\r", b"\ndata: b\r\n\r\n"]),
        ["a", "b"]
    );
}

#[test]
fn no_other_character_ends_a_line() {
    let text = "data: a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\n\n";
    assert_eq!(
        data(&[text.as_bytes()]),
        ["a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f"]
    );
}

#[test]
fn a_byte_order_mark_is_dropped() {
    assert_eq!(data(&["\u{feff}data: a\n\n".as_bytes()]), ["a"]);
    assert_eq!(data(&[b"\xef", b"\xbb\xbfdata: a\n\n"]), ["a"]);
}

#[test]
fn several_data_lines_are_one_text() {
    assert_eq!(
        data(&[b"data: a\ndata:b\ndata:  c\ndata\n\n"]),
        ["a\nb\n c\n"]
    );
}

#[test]
fn comments_and_other_fields_are_skipped() {
    let text =
        b": OPENROUTER PROCESSING\n\n:\nid: 7\nretry: 5\nunknown: x\ndata: a\n\nevent: lonely\n\n";
    assert_eq!(data(&[text]), ["a"]);
}

#[test]
fn an_event_has_the_type_it_names() {
    let events = read(&[b"event: message_start\ndata: {}\n\ndata: {}\n\n"]);
    let types: Vec<_> = events
        .into_iter()
        .map(|event| event.unwrap().event)
        .collect();
    assert_eq!(types, [Some("message_start".to_owned()), None]);
}

#[test]
fn a_character_may_be_split_across_chunks() {
    assert_eq!(data(&[b"data: \xf0\x9f", b"\x98\x80\n\n"]), ["😀"]);
}

#[test]
fn an_incomplete_event_at_the_end_is_dropped() {
    assert_eq!(data(&[b"data: a\n\ndata: b\n"]), ["a"]);
}

#[test]
fn text_that_is_not_utf8_ends_the_stream() {
    let mut events = read(&[b"data: a\n\ndata: \xff\n\ndata: b\n\n"]).into_iter();
    assert!(events.next().unwrap().is_ok());
    assert!(matches!(events.next().unwrap(), Err(SseError::Utf8(_))));
    assert!(events.next().is_none());
}

#[test]
fn a_broken_body_ends_the_stream_with_its_error() {
    let chunks = [
        Ok(Bytes::from_static(b"data: a\n\n")),
        Err(io::Error::other("reset")),
    ];
    let events: Vec<_> = events(stream::iter(chunks))
        .collect()
        .now_or_never()
        .unwrap();
    assert!(matches!(&events[1], Err(SseError::Body(error)) if error.to_string() == "reset"));
    assert_eq!(events.len(), 2);
}

#[test]
fn an_event_beyond_the_cap_is_refused_and_one_below_is_not() {
    const CHUNK: usize = 1024 * 1024;
    let chunk = vec![b'a'; CHUNK];
    let fits = MAX_EVENT_BYTES / CHUNK;
    for (chunks, holds) in [(fits - 1, true), (fits + 2, false)] {
        let mut body: Vec<&[u8]> = vec![b"data: "];
        body.extend(vec![chunk.as_slice(); chunks]);
        body.push(b"\n\ndata: next\n\n");
        let events = read(&body);
        if holds {
            assert_eq!(events[0].as_ref().unwrap().data.len(), chunks * CHUNK);
            assert_eq!(events[1].as_ref().unwrap().data, "next");
        } else {
            assert!(matches!(events.as_slice(), [Err(SseError::TooLarge)]));
        }
    }
}

#[test]
fn many_events_together_may_exceed_the_cap() {
    let event = format!("data: {}\n\n", "a".repeat(1024 * 1024));
    let body = vec![event.as_bytes(); 20];
    assert_eq!(data(&body).len(), 20);
}
