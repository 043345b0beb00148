//! One sealed blob per level of the hierarchy, with the way to open it.

use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, LookupKey, PayloadContext, RootKey, Suite,
};
use ring::rand::SystemRandom;

pub(crate) const SUITES: [Suite; 2] = [Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

pub(crate) const PAYLOAD: PayloadContext<'static> = PayloadContext {
    deployment: [0x11; 16],
    workspace: [0x22; 16],
    key: [0x33; 16],
    version: 7,
    provider: "openai",
    secret_kind: "api_key",
};

pub(crate) const DATA_KEY: DataKeyContext<'static> = DataKeyContext {
    payload: PAYLOAD,
    branch_key: [0x44; 16],
    branch_version: 3,
    wrap_revision: 5,
    payload_commitment: [0x55; 32],
};

pub(crate) const BRANCH_KEY: BranchKeyContext<'static> = BranchKeyContext {
    deployment: [0x11; 16],
    workspace: [0x22; 16],
    branch_key: [0x44; 16],
    branch_version: 3,
    root_key: "keyring/primary",
    root_version: 2,
};

/// A blob and a judge: whether a candidate opens with the blob's own key and context.
pub(crate) struct Level {
    pub(crate) name: &'static str,
    pub(crate) blob: Vec<u8>,
    pub(crate) opens: Box<Judge>,
}

type Judge = dyn Fn(&[u8]) -> bool;

/// Every level under one suite. All keys are fresh.
pub(crate) fn levels(suite: Suite) -> Vec<Level> {
    let rng = &SystemRandom::new();
    let root = || RootKey::from_bytes(&[0x66; 32]);
    let branch = BranchKey::generate(rng).expect("randomness");
    let lookup = LookupKey::generate(rng).expect("randomness");
    let data = DataKey::generate(rng).expect("randomness");

    let payload_blob = data
        .seal_payload(rng, suite, b"sk-example", &PAYLOAD)
        .expect("seals");
    let data_blob = branch
        .wrap_data_key(rng, suite, &data, &DATA_KEY)
        .expect("seals");
    let branch_blob = root()
        .wrap_branch_key(rng, suite, &branch, &BRANCH_KEY)
        .expect("seals");
    let lookup_blob = root()
        .wrap_lookup_key(rng, suite, &lookup, &BRANCH_KEY)
        .expect("seals");
    vec![
        Level {
            name: "payload",
            blob: payload_blob.into_bytes(),
            opens: Box::new(move |blob| data.open_payload(blob, &PAYLOAD).is_ok()),
        },
        Level {
            name: "data key",
            blob: data_blob.into_bytes(),
            opens: Box::new(move |blob| branch.unwrap_data_key(blob, &DATA_KEY).is_ok()),
        },
        Level {
            name: "branch key",
            blob: branch_blob.into_bytes(),
            opens: Box::new(move |blob| root().unwrap_branch_key(blob, &BRANCH_KEY).is_ok()),
        },
        Level {
            name: "lookup key",
            blob: lookup_blob.into_bytes(),
            opens: Box::new(move |blob| root().unwrap_lookup_key(blob, &BRANCH_KEY).is_ok()),
        },
    ]
}

/// Every level under every suite.
pub(crate) fn all_levels() -> impl Iterator<Item = Level> {
    SUITES.into_iter().flat_map(levels)
}
