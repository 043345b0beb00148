//! A turn opens where it was sealed, as it was sealed, and nowhere else.
#![expect(
    deprecated,
    reason = "ring seals its SecureRandom trait; its own fixed source is the only way to choose a nonce"
)]

use data_encoding::HEXLOWER;
use latchkey_envelope::{
    DataKey, IntegrityError, SealError, Secret, TlvError, TranscriptKey, TurnContext,
};
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::test::rand::FixedSliceRandom;
use serde_json::Value;

use crate::fixtures::{PAYLOAD, all_levels};

/// Never changed: rows look like this. `verify.py` opens it with another implementation.
const GOLDEN: &str = include_str!("../golden/turn-1-aes-256-gcm.json");

const CONTEXT: TurnContext<'static> = TurnContext {
    data_key: "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000",
    session: "workspaces/acme/sessions/talk",
    turn: 2,
};

fn key() -> TranscriptKey {
    TranscriptKey::from_bytes(&[0x77; 32])
}

fn sealed() -> Vec<u8> {
    key()
        .seal_turn(&SystemRandom::new(), b"Good day", &CONTEXT)
        .expect("seals")
}

fn opens(sealed: &[u8]) -> bool {
    key().open_turn(sealed, &CONTEXT).is_ok()
}

#[test]
fn a_golden_turn_opens_and_is_made_again_with_its_golden_nonce() {
    let golden: Value = serde_json::from_str(GOLDEN).expect("golden files are JSON");
    let text = |field: &str| golden[field].as_str().expect("a string");
    let hex = |field: &str| HEXLOWER.decode(text(field).as_bytes()).expect("hex");
    let bytes: [u8; 32] = hex("transcript_key").try_into().expect("32 bytes");
    let key = TranscriptKey::from_bytes(&bytes);
    let context = TurnContext {
        data_key: text("data_key"),
        session: text("session"),
        turn: golden["turn"].as_u64().expect("a number"),
    };

    let opened = key.open_turn(&hex("sealed"), &context).expect("it opens");
    assert_eq!(opened.expose(), hex("plaintext"));
    let nonce = hex("nonce");
    let again = key.seal_turn(
        &FixedSliceRandom { bytes: &nonce },
        &hex("plaintext"),
        &context,
    );
    assert_eq!(HEXLOWER.encode(&again.expect("seals")), text("sealed"));
}

proptest! {
    #[test]
    fn a_turn_opens_to_what_was_sealed(
        bytes: [u8; 32],
        turn in prop::collection::vec(any::<u8>(), 0..4096),
        (data_key, session) in (".{0,40}", ".{0,40}"),
        number: u64,
    ) {
        let key = TranscriptKey::from_bytes(&bytes);
        let context = TurnContext { data_key: &data_key, session: &session, turn: number };
        let sealed = key.seal_turn(&SystemRandom::new(), &turn, &context)?;
        prop_assert_eq!(sealed.len(), 29 + turn.len());
        let opened = key.open_turn(&sealed, &context)?;
        prop_assert_eq!(opened.expose(), &turn[..]);
    }

    #[test]
    fn arbitrary_bytes_do_not_open(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!opens(&bytes));
        // The same behind a format byte that passes.
        prop_assert!(!opens(&[&[1], &bytes[..]].concat()));
    }
}

#[test]
fn flipping_any_bit_of_a_turn_is_refused() {
    let mut sealed = sealed();
    assert!(opens(&sealed));
    for bit in 0..sealed.len() * 8 {
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&sealed), "bit {bit}");
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(opens(&sealed));
}

#[test]
fn truncating_or_extending_a_turn_is_refused() {
    let sealed = sealed();
    for length in 0..sealed.len() {
        assert!(!opens(&sealed[..length]), "cut to {length}");
        let tail = &sealed[sealed.len() - length..];
        assert!(!opens(tail), "the last {length}");
    }
    for byte in 0..=u8::MAX {
        assert!(!opens(&[&sealed[..], &[byte]].concat()), "and {byte}");
    }
}

#[test]
fn every_other_format_is_refused() {
    for format in (0..=u8::MAX).filter(|format| *format != 1) {
        let mut sealed = sealed();
        sealed[0] = format;
        assert!(!opens(&sealed), "format {format}");
    }
}

#[test]
fn a_turn_opens_in_its_own_place_only() {
    // Taken apart, so that a new field does not compile before it has its row below.
    let TurnContext {
        data_key,
        session,
        turn,
    } = CONTEXT;
    let others = [
        TurnContext {
            data_key: "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000001",
            ..CONTEXT
        },
        TurnContext {
            session: "workspaces/acme/sessions/other",
            ..CONTEXT
        },
        TurnContext {
            turn: turn + 1,
            ..CONTEXT
        },
        TurnContext {
            data_key: session,
            session: data_key,
            ..CONTEXT
        },
    ];
    let sealed = sealed();
    for other in others {
        assert!(key().open_turn(&sealed, &other).is_err(), "{other:?}");
    }
}

#[test]
fn another_transcript_key_opens_nothing() {
    let other = TranscriptKey::from_bytes(&[0x78; 32]);
    assert!(other.open_turn(&sealed(), &CONTEXT).is_err());
}

#[test]
fn turns_and_blobs_do_not_open_as_each_other() {
    for level in all_levels() {
        assert!(!opens(&level.blob), "{} as a turn", level.name);
        assert!(!(level.opens)(&sealed()), "a turn as {}", level.name);
    }
    // Under the same key bytes too.
    let bytes = [0x77; 32];
    let data = DataKey::generate(&FixedSliceRandom { bytes: &bytes }).expect("it does not fail");
    let rng = &SystemRandom::new();
    for suite in crate::fixtures::SUITES {
        let blob = data.seal_payload(rng, suite, b"Good day", &PAYLOAD);
        assert!(!opens(blob.expect("seals").as_bytes()));
    }
    assert!(data.open_payload(&sealed(), &PAYLOAD).is_err());
}

#[test]
fn sealing_a_turn_twice_shares_neither_nonce_nor_ciphertext() {
    let (one, other) = (sealed(), sealed());
    for field in [1..13, 13..21, 21..37] {
        assert_ne!(one[field.clone()], other[field]);
    }
}

#[test]
fn every_refusal_of_a_turn_reads_the_same() {
    let refusal = |opened: Result<Secret, IntegrityError>| opened.err();
    let malformed = refusal(key().open_turn(b"", &CONTEXT));
    let mut flipped = sealed();
    flipped[20] ^= 1;
    assert_eq!(malformed, Some(IntegrityError));
    assert_eq!(malformed, refusal(key().open_turn(&flipped, &CONTEXT)));
}

#[test]
fn a_name_too_long_for_a_context_is_an_error_on_both_ways() {
    let too_long = "x".repeat(usize::from(u16::MAX) + 1);
    let contexts = [
        TurnContext {
            data_key: &too_long,
            ..CONTEXT
        },
        TurnContext {
            session: &too_long,
            ..CONTEXT
        },
    ];
    for (position, context) in (1..).zip(contexts) {
        let refused = key().seal_turn(&SystemRandom::new(), b"Good day", &context);
        let expected = SealError::Context(TlvError::ValueTooLong(position));
        assert_eq!(refused.err(), Some(expected));
        assert!(key().open_turn(&sealed(), &context).is_err());
    }
}
