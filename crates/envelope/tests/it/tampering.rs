//! A blob that differs from what was sealed does not open.

use latchkey_envelope::{BranchKey, DataKey, IntegrityError, Purpose, RootKey, Sealed};
use ring::rand::SystemRandom;

use crate::fixtures::{BRANCH_KEY, DATA_KEY, PAYLOAD, SUITES, all_levels, levels};

const SUITE_AT: usize = 4;
const PURPOSE_AT: usize = 6;
const FLAGS_AT: usize = 7;

#[test]
fn flipping_any_bit_is_refused() {
    for level in all_levels() {
        assert!((level.opens)(&level.blob), "{}", level.name);
        let mut blob = level.blob.clone();
        for bit in 0..blob.len() * 8 {
            blob[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !(level.opens)(&blob),
                "{} with bit {bit} flipped",
                level.name
            );
            blob[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(blob, level.blob);
    }
}

#[test]
fn any_truncation_is_refused() {
    for level in all_levels() {
        for length in 0..level.blob.len() {
            assert!(
                !(level.opens)(&level.blob[..length]),
                "{} cut to {length}",
                level.name
            );
            let tail = &level.blob[level.blob.len() - length..];
            assert!(!(level.opens)(tail), "the last {length} of {}", level.name);
        }
    }
}

#[test]
fn any_extension_is_refused() {
    for level in all_levels() {
        for byte in 0..=u8::MAX {
            let longer = [&level.blob[..], &[byte]].concat();
            assert!(!(level.opens)(&longer), "{} and {byte}", level.name);
        }
        let twice = [&level.blob[..], &level.blob].concat();
        assert!(!(level.opens)(&twice), "{} twice", level.name);
    }
}

#[test]
fn every_other_suite_is_refused() {
    for level in all_levels() {
        let own = level.blob[SUITE_AT..PURPOSE_AT].to_vec();
        for suite in (0..=u16::MAX)
            .map(u16::to_be_bytes)
            .filter(|suite| suite[..] != own)
        {
            let mut blob = level.blob.clone();
            blob[SUITE_AT..PURPOSE_AT].copy_from_slice(&suite);
            assert!(!(level.opens)(&blob), "{} as suite {suite:?}", level.name);
        }
    }
}

#[test]
fn every_other_purpose_is_refused() {
    for level in all_levels() {
        let own = level.blob[PURPOSE_AT];
        for purpose in (0..=u8::MAX).filter(|purpose| *purpose != own) {
            let mut blob = level.blob.clone();
            blob[PURPOSE_AT] = purpose;
            assert!(!(level.opens)(&blob), "{} as purpose {purpose}", level.name);
        }
    }
}

#[test]
fn every_flag_is_refused() {
    for level in all_levels() {
        for flags in 1..=u8::MAX {
            let mut blob = level.blob.clone();
            blob[FLAGS_AT] = flags;
            assert!(!(level.opens)(&blob), "{} with flags {flags}", level.name);
        }
    }
}

#[test]
fn a_blob_parses_for_its_own_purpose_only() {
    let purposes = [Purpose::Payload, Purpose::DataKey, Purpose::BranchKey];
    for level in all_levels() {
        for purpose in purposes {
            let own = level.blob[PURPOSE_AT] == purpose as u8;
            let parsed = Sealed::parse(&level.blob, purpose);
            assert_eq!(parsed.is_ok(), own, "{} as {purpose:?}", level.name);
            if let Ok(sealed) = parsed {
                assert_eq!(
                    sealed.commitment()[..],
                    level.blob[40..72],
                    "{}",
                    level.name
                );
            }
        }
    }
}

#[test]
fn a_blob_opens_at_no_other_level() {
    for suite in SUITES {
        let levels = levels(suite);
        for (i, blob) in levels.iter().enumerate() {
            for (j, judge) in levels.iter().enumerate() {
                let opens = (judge.opens)(&blob.blob);
                assert_eq!(opens, i == j, "{} opened as {}", blob.name, judge.name);
            }
        }
    }
}

#[test]
fn another_key_opens_nothing() {
    for (one, other) in all_levels().zip(all_levels()) {
        // Lookup and branch keys are wrapped by the one fixed root key.
        let same_key = one.name == "lookup key" || one.name == "branch key";
        assert_eq!((other.opens)(&one.blob), same_key, "{}", one.name);
    }
    let rng = &SystemRandom::new();
    let other_root = RootKey::from_bytes(&[0x67; 32]);
    for level in all_levels() {
        assert!(
            other_root
                .unwrap_branch_key(&level.blob, &BRANCH_KEY)
                .is_err()
        );
        assert!(
            other_root
                .unwrap_lookup_key(&level.blob, &BRANCH_KEY)
                .is_err()
        );
        let branch = BranchKey::generate(rng).expect("randomness");
        assert!(branch.unwrap_data_key(&level.blob, &DATA_KEY).is_err());
        let data = DataKey::generate(rng).expect("randomness");
        assert!(data.open_payload(&level.blob, &PAYLOAD).is_err());
    }
}

#[test]
fn every_refusal_reads_the_same() {
    let data = DataKey::generate(&SystemRandom::new()).expect("randomness");
    let malformed = data.open_payload(b"", &PAYLOAD).err();
    let wrong_key = data
        .open_payload(&levels(SUITES[0])[0].blob, &PAYLOAD)
        .err();
    assert_eq!(malformed, Some(IntegrityError));
    assert_eq!(malformed, wrong_key);
    assert_eq!(IntegrityError.to_string(), "integrity check failed");
}
