//! A blob found anywhere but where it was sealed for does not open.

use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, LookupKey, PayloadContext, RootKey,
    SealError, TlvError,
};
use ring::rand::SystemRandom;

use crate::fixtures::{BRANCH_KEY, DATA_KEY, PAYLOAD, SUITES};

/// The fixture with one field changed, once for each field.
fn other_payloads() -> Vec<PayloadContext<'static>> {
    // Taken apart, so that a new field does not compile before it has its row below.
    let PayloadContext {
        deployment: _,
        workspace: _,
        key: _,
        version,
        provider: _,
        secret_kind: _,
    } = PAYLOAD;
    vec![
        PayloadContext {
            deployment: [0; 16],
            ..PAYLOAD
        },
        PayloadContext {
            workspace: [0; 16],
            ..PAYLOAD
        },
        PayloadContext {
            key: [0; 16],
            ..PAYLOAD
        },
        PayloadContext {
            version: version + 1,
            ..PAYLOAD
        },
        PayloadContext {
            provider: "anthropic",
            ..PAYLOAD
        },
        PayloadContext {
            secret_kind: "service_account",
            ..PAYLOAD
        },
        // Fields whose values trade places.
        PayloadContext {
            workspace: PAYLOAD.key,
            key: PAYLOAD.workspace,
            ..PAYLOAD
        },
        PayloadContext {
            provider: PAYLOAD.secret_kind,
            secret_kind: PAYLOAD.provider,
            ..PAYLOAD
        },
        // The same letters, cut elsewhere.
        PayloadContext {
            provider: "openaia",
            secret_kind: "pi_key",
            ..PAYLOAD
        },
    ]
}

fn other_data_keys() -> Vec<DataKeyContext<'static>> {
    let DataKeyContext {
        payload: _,
        branch_key: _,
        branch_version,
        wrap_revision,
        payload_commitment: _,
    } = DATA_KEY;
    let own = [
        DataKeyContext {
            branch_key: [0; 16],
            ..DATA_KEY
        },
        DataKeyContext {
            branch_version: branch_version + 1,
            ..DATA_KEY
        },
        DataKeyContext {
            wrap_revision: wrap_revision - 1,
            ..DATA_KEY
        },
        DataKeyContext {
            payload_commitment: [0; 32],
            ..DATA_KEY
        },
        DataKeyContext {
            branch_version: wrap_revision,
            wrap_revision: branch_version,
            ..DATA_KEY
        },
    ];
    let payloads = other_payloads();
    payloads
        .into_iter()
        .map(|payload| DataKeyContext {
            payload,
            ..DATA_KEY
        })
        .chain(own)
        .collect()
}

fn other_branch_keys() -> Vec<BranchKeyContext<'static>> {
    let BranchKeyContext {
        deployment: _,
        workspace: _,
        branch_key: _,
        branch_version,
        root_key: _,
        root_version,
    } = BRANCH_KEY;
    vec![
        BranchKeyContext {
            deployment: [0; 16],
            ..BRANCH_KEY
        },
        BranchKeyContext {
            workspace: [0; 16],
            ..BRANCH_KEY
        },
        BranchKeyContext {
            branch_key: [0; 16],
            ..BRANCH_KEY
        },
        BranchKeyContext {
            branch_version: branch_version + 1,
            ..BRANCH_KEY
        },
        BranchKeyContext {
            root_key: "keyring/other",
            ..BRANCH_KEY
        },
        BranchKeyContext {
            root_version: root_version + 1,
            ..BRANCH_KEY
        },
        BranchKeyContext {
            branch_version: root_version,
            root_version: branch_version,
            ..BRANCH_KEY
        },
    ]
}

#[test]
fn a_payload_opens_in_its_own_context_only() {
    let rng = &SystemRandom::new();
    let key = DataKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let sealed = key
            .seal_payload(rng, suite, b"sk-example", &PAYLOAD)
            .expect("seals");
        assert!(key.open_payload(sealed.as_bytes(), &PAYLOAD).is_ok());
        for other in other_payloads() {
            assert!(
                key.open_payload(sealed.as_bytes(), &other).is_err(),
                "{other:?}"
            );
        }
    }
}

#[test]
fn a_data_key_unwraps_in_its_own_context_only() {
    let rng = &SystemRandom::new();
    let branch = BranchKey::generate(rng).expect("randomness");
    let key = DataKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let wrapped = branch
            .wrap_data_key(rng, suite, &key, &DATA_KEY)
            .expect("seals");
        assert!(
            branch
                .unwrap_data_key(wrapped.as_bytes(), &DATA_KEY)
                .is_ok()
        );
        for other in other_data_keys() {
            assert!(
                branch.unwrap_data_key(wrapped.as_bytes(), &other).is_err(),
                "{other:?}"
            );
        }
    }
}

#[test]
fn a_branch_key_unwraps_in_its_own_context_only() {
    let rng = &SystemRandom::new();
    let root = RootKey::from_bytes(&[1; 32]);
    let key = BranchKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let wrapped = root
            .wrap_branch_key(rng, suite, &key, &BRANCH_KEY)
            .expect("seals");
        assert!(
            root.unwrap_branch_key(wrapped.as_bytes(), &BRANCH_KEY)
                .is_ok()
        );
        for other in other_branch_keys() {
            assert!(
                root.unwrap_branch_key(wrapped.as_bytes(), &other).is_err(),
                "{other:?}"
            );
        }
    }
}

#[test]
fn a_lookup_key_unwraps_in_its_own_context_only() {
    let rng = &SystemRandom::new();
    let root = RootKey::from_bytes(&[1; 32]);
    let key = LookupKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let wrapped = root
            .wrap_lookup_key(rng, suite, &key, &BRANCH_KEY)
            .expect("seals");
        assert!(
            root.unwrap_lookup_key(wrapped.as_bytes(), &BRANCH_KEY)
                .is_ok()
        );
        for other in other_branch_keys() {
            assert!(
                root.unwrap_lookup_key(wrapped.as_bytes(), &other).is_err(),
                "{other:?}"
            );
        }
    }
}

#[test]
fn lookup_and_branch_keys_are_kept_apart_even_under_the_same_ids() {
    let rng = &SystemRandom::new();
    let root = RootKey::from_bytes(&[1; 32]);
    let branch = BranchKey::generate(rng).expect("randomness");
    let lookup = LookupKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let wrapped = root
            .wrap_branch_key(rng, suite, &branch, &BRANCH_KEY)
            .expect("seals");
        assert!(
            root.unwrap_lookup_key(wrapped.as_bytes(), &BRANCH_KEY)
                .is_err()
        );
        let wrapped = root
            .wrap_lookup_key(rng, suite, &lookup, &BRANCH_KEY)
            .expect("seals");
        assert!(
            root.unwrap_branch_key(wrapped.as_bytes(), &BRANCH_KEY)
                .is_err()
        );
    }
}

#[test]
fn a_field_too_long_to_encode_is_an_error_on_both_ways() {
    let rng = &SystemRandom::new();
    let key = DataKey::generate(rng).expect("randomness");
    let longest = "x".repeat(usize::from(u16::MAX));
    let longest = PayloadContext {
        provider: &longest,
        ..PAYLOAD
    };
    let sealed = key
        .seal_payload(rng, SUITES[0], b"sk", &longest)
        .expect("it just fits");
    assert!(key.open_payload(sealed.as_bytes(), &longest).is_ok());

    let too_long = "x".repeat(usize::from(u16::MAX) + 1);
    let cases = [
        (
            PayloadContext {
                provider: &too_long,
                ..PAYLOAD
            },
            5,
        ),
        (
            PayloadContext {
                secret_kind: &too_long,
                ..PAYLOAD
            },
            6,
        ),
    ];
    for (context, tag) in cases {
        let refused = key.seal_payload(rng, SUITES[0], b"sk", &context).err();
        assert_eq!(
            refused,
            Some(SealError::Context(TlvError::ValueTooLong(tag)))
        );
        assert!(key.open_payload(sealed.as_bytes(), &context).is_err());
    }
}
