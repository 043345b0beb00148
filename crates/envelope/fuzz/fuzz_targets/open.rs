//! Feeds the parser and the openers. Run from `crates/envelope`:
//! `cargo +nightly fuzz run open`.
//!
//! The first byte chooses: bytes taken as they come, or edits to a blob that opens. In neither case
//! may anything panic, and nothing may open but the sealed blob itself.
#![no_main]

use std::sync::LazyLock;

use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, LookupKey, PayloadContext, Purpose,
    RootKey, Sealed, Suite,
};
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let vault = &*VAULT;
    if choice & 1 == 0 {
        vault.check(rest);
    } else {
        let level = usize::from(choice >> 1) % vault.blobs.len();
        vault.check(&edited(&vault.blobs[level], rest));
    }
});

const PAYLOAD: PayloadContext<'static> = PayloadContext {
    deployment: [1; 16],
    workspace: [2; 16],
    key: [3; 16],
    version: 4,
    provider: "openai",
    secret_kind: "api_key",
};

const DATA_KEY: DataKeyContext<'static> = DataKeyContext {
    payload: PAYLOAD,
    branch_key: [5; 16],
    branch_version: 6,
    wrap_revision: 7,
    payload_commitment: [8; 32],
};

const BRANCH_KEY: BranchKeyContext<'static> = BranchKeyContext {
    deployment: [1; 16],
    workspace: [2; 16],
    branch_key: [5; 16],
    branch_version: 6,
    root_key: "root",
    root_version: 9,
};

static VAULT: LazyLock<Vault> = LazyLock::new(Vault::new);

/// One key per level, and for each suite one blob per level.
struct Vault {
    root: RootKey,
    branch: BranchKey,
    data: DataKey,
    blobs: Vec<Vec<u8>>,
}

impl Vault {
    fn new() -> Self {
        let rng = &SystemRandom::new();
        let root = RootKey::from_bytes(&[10; 32]);
        let branch = BranchKey::generate(rng).unwrap();
        let lookup = LookupKey::generate(rng).unwrap();
        let data = DataKey::generate(rng).unwrap();
        let blobs = [Suite::Aes256Gcm, Suite::ChaCha20Poly1305]
            .into_iter()
            .flat_map(|suite| {
                [
                    data.seal_payload(rng, suite, b"sk-example", &PAYLOAD)
                        .unwrap(),
                    branch.wrap_data_key(rng, suite, &data, &DATA_KEY).unwrap(),
                    root.wrap_branch_key(rng, suite, &branch, &BRANCH_KEY)
                        .unwrap(),
                    root.wrap_lookup_key(rng, suite, &lookup, &BRANCH_KEY)
                        .unwrap(),
                ]
            })
            .map(Sealed::into_bytes)
            .collect();
        Self {
            root,
            branch,
            data,
            blobs,
        }
    }

    fn check(&self, blob: &[u8]) {
        for purpose in [Purpose::Payload, Purpose::DataKey, Purpose::BranchKey] {
            if let Ok(sealed) = Sealed::parse(blob, purpose) {
                assert_eq!(sealed.as_bytes(), blob);
                assert_eq!(sealed.commitment(), blob[40..72]);
                assert_eq!(blob[..8], header(sealed.suite(), purpose));
            }
        }
        let opened = [
            self.data.open_payload(blob, &PAYLOAD).is_ok(),
            self.branch.unwrap_data_key(blob, &DATA_KEY).is_ok(),
            self.root.unwrap_branch_key(blob, &BRANCH_KEY).is_ok(),
            self.root.unwrap_lookup_key(blob, &BRANCH_KEY).is_ok(),
        ];
        let genuine = self.blobs.iter().position(|sealed| sealed == blob);
        for (level, opened) in opened.into_iter().enumerate() {
            assert_eq!(opened, genuine.is_some_and(|index| index % 4 == level));
        }
    }
}

fn header(suite: Suite, purpose: Purpose) -> [u8; 8] {
    let [high, low] = suite.id().to_be_bytes();
    [b'L', b'K', b'Y', b'1', high, low, purpose as u8, 0]
}

/// Each pair of bytes is an edit: XOR at an offset; an offset past the end cuts or appends.
fn edited(blob: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    for edit in edits.chunks_exact(2) {
        match blob.get_mut(usize::from(edit[0])) {
            Some(byte) => *byte ^= edit[1],
            None if edit[1] & 1 == 0 => blob.push(edit[1]),
            None => blob.truncate(usize::from(edit[1])),
        }
    }
    blob
}
