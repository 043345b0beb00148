//! What is sealed opens again, whatever it is.

use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, LookupKey, PayloadContext, RootKey, Suite,
};
use proptest::prelude::*;
use ring::rand::SystemRandom;

use crate::fixtures::{PAYLOAD, SUITES};

proptest! {
    #[test]
    fn three_levels_open_to_the_payload_that_was_sealed(
        suite in suite(),
        payload in prop::collection::vec(any::<u8>(), 0..4096),
        root_bytes: [u8; 32],
        ids: [[u8; 16]; 4],
        versions: [u64; 4],
        (provider, secret_kind, root_key) in (".{0,40}", ".{0,40}", ".{0,80}"),
    ) {
        let rng = &SystemRandom::new();
        let [deployment, workspace, key, branch_key] = ids;
        let [version, branch_version, wrap_revision, root_version] = versions;
        let payload_context = PayloadContext {
            deployment, workspace, key, version, provider: &provider, secret_kind: &secret_kind,
        };
        let branch_context = BranchKeyContext {
            deployment, workspace, branch_key, branch_version, root_key: &root_key, root_version,
        };

        let data = DataKey::generate(rng)?;
        let sealed = data.seal_payload(rng, suite, &payload, &payload_context)?;
        let data_context = DataKeyContext {
            payload: payload_context,
            branch_key,
            branch_version,
            wrap_revision,
            payload_commitment: sealed.commitment(),
        };
        let branch = BranchKey::generate(rng)?;
        let wrapped_data = branch.wrap_data_key(rng, suite, &data, &data_context)?;
        let root = RootKey::from_bytes(&root_bytes);
        let wrapped_branch = root.wrap_branch_key(rng, suite, &branch, &branch_context)?;

        let root = RootKey::from_bytes(&root_bytes);
        let branch = root.unwrap_branch_key(wrapped_branch.as_bytes(), &branch_context)?;
        let data = branch.unwrap_data_key(wrapped_data.as_bytes(), &data_context)?;
        let opened = data.open_payload(sealed.as_bytes(), &payload_context)?;
        prop_assert_eq!(opened.expose(), &payload[..]);
        prop_assert_eq!(sealed.as_bytes().len(), 88 + payload.len());
    }

    #[test]
    fn an_unwrapped_lookup_key_makes_the_same_tags(
        suite in suite(),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..6),
    ) {
        let rng = &SystemRandom::new();
        let root = RootKey::from_bytes(&[1; 32]);
        let lookup = LookupKey::generate(rng)?;
        let context = crate::fixtures::BRANCH_KEY;
        let wrapped = root.wrap_lookup_key(rng, suite, &lookup, &context)?;
        let unwrapped = root.unwrap_lookup_key(wrapped.as_bytes(), &context)?;

        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let tag = lookup.mac_key("row").tag(&parts);
        prop_assert!(unwrapped.mac_key("row").verify(&parts, &tag).is_ok());
        prop_assert!(unwrapped.mac_key("fingerprint").verify(&parts, &tag).is_err());
    }

    #[test]
    fn arbitrary_bytes_do_not_open(blob in prop::collection::vec(any::<u8>(), 0..400)) {
        let data = DataKey::generate(&SystemRandom::new())?;
        prop_assert!(data.open_payload(&blob, &PAYLOAD).is_err());
        // The same with a header that passes every check short of the commitment.
        let plausible = [b"LKY1\x01\x01\x01\x00", &blob[..]].concat();
        prop_assert!(data.open_payload(&plausible, &PAYLOAD).is_err());
    }
}

#[test]
fn sealing_twice_shares_neither_salt_nor_commitment_nor_ciphertext() {
    let rng = &SystemRandom::new();
    let data = DataKey::generate(rng).expect("randomness");
    for suite in SUITES {
        let seal = || {
            data.seal_payload(rng, suite, &[0; 32], &PAYLOAD)
                .expect("seals")
        };
        let (one, other) = (seal(), seal());
        for field in [8..40, 40..72, 72..104, 104..120] {
            assert_ne!(one.as_bytes()[field.clone()], other.as_bytes()[field]);
        }
    }
}

fn suite() -> impl Strategy<Value = Suite> {
    prop::sample::select(SUITES.to_vec())
}
