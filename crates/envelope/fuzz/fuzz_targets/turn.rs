//! Feeds the opener of turns. Run from `crates/envelope`: `cargo +nightly fuzz run turn`.
//!
//! The first byte chooses: bytes taken as they come, or edits to a turn that opens. In neither case
//! may anything panic, and nothing may open but the sealed turn itself, in its own place.
#![no_main]

use std::sync::LazyLock;

use latchkey_envelope::{TranscriptKey, TurnContext};
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    if choice & 1 == 0 {
        check(rest);
    } else {
        check(&edited(&TRANSCRIPT.sealed, rest));
    }
});

const TURN: &[u8] = b"Good day";

const CONTEXT: TurnContext<'static> = TurnContext {
    data_key: "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000",
    session: "workspaces/acme/sessions/talk",
    turn: 2,
};

struct Transcript {
    key: TranscriptKey,
    sealed: Vec<u8>,
}

static TRANSCRIPT: LazyLock<Transcript> = LazyLock::new(|| {
    let key = TranscriptKey::from_bytes(&[10; 32]);
    let sealed = key.seal_turn(&SystemRandom::new(), TURN, &CONTEXT).unwrap();
    Transcript { key, sealed }
});

fn check(candidate: &[u8]) {
    let Transcript { key, sealed } = &*TRANSCRIPT;
    let opened = key.open_turn(candidate, &CONTEXT);
    assert_eq!(opened.is_ok(), candidate == sealed);
    if let Ok(opened) = opened {
        assert_eq!(opened.expose(), TURN);
    }
    let elsewhere = TurnContext { turn: 3, ..CONTEXT };
    assert!(key.open_turn(candidate, &elsewhere).is_err());
}

/// Each pair of bytes is an edit: XOR at an offset; an offset past the end cuts or appends.
fn edited(sealed: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut sealed = sealed.to_vec();
    for edit in edits.chunks_exact(2) {
        match sealed.get_mut(usize::from(edit[0])) {
            Some(byte) => *byte ^= edit[1],
            None if edit[1] & 1 == 0 => sealed.push(edit[1]),
            None => sealed.truncate(usize::from(edit[1])),
        }
    }
    sealed
}
