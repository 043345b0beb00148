//! Blobs sealed once and kept: they open for ever, and sealing with the same salt makes them again.
//!
//! `tests/golden/` has one file per suite, which is never changed once released; a new suite adds a
//! file (`turn-*.json` is the format of transcripts, see `turns.rs`). `tests/golden/verify.py` opens the same files with another implementation. To make a new
//! file, fill in its inputs and take the blobs from what the second test prints.
#![expect(
    deprecated,
    reason = "ring seals its SecureRandom trait; its own fixed source is the only way to choose a salt"
)]

use data_encoding::HEXLOWER;
use latchkey_envelope::{
    BranchKey, BranchKeyContext, DataKey, DataKeyContext, LookupKey, PayloadContext, RootKey,
    Sealed, Suite,
};
use ring::test::rand::FixedSliceRandom;
use serde_json::Value;

const FILES: [&str; 2] = [
    include_str!("../golden/0101-aes-256-gcm.json"),
    include_str!("../golden/0102-chacha20-poly1305.json"),
];

#[test]
fn a_golden_hierarchy_opens_from_the_root_key_down() {
    for golden in FILES.map(Golden::read) {
        let root = golden.root();
        let branch = root
            .unwrap_branch_key(
                &golden.hex("/branch_key/blob"),
                &golden.branch_context("branch_key"),
            )
            .expect("a golden branch key unwraps");
        let data = branch
            .unwrap_data_key(&golden.hex("/data_key/blob"), &golden.data_context())
            .expect("a golden data key unwraps");
        let payload = data
            .open_payload(&golden.hex("/payload/blob"), &golden.payload_context())
            .expect("a golden payload opens");
        assert_eq!(payload.expose(), golden.hex("/payload/plaintext"));
    }
}

#[test]
fn sealing_again_with_the_golden_salts_makes_the_golden_blobs() {
    for golden in FILES.map(Golden::read) {
        let suite = golden.suite();
        let (root, branch, data, lookup) = (
            golden.root(),
            golden.branch(),
            golden.data(),
            golden.lookup(),
        );
        let salt = |level: &str| golden.hex(&format!("/{level}/salt"));

        let sealed = data.seal_payload(
            &FixedSliceRandom {
                bytes: &salt("payload"),
            },
            suite,
            &golden.hex("/payload/plaintext"),
            &golden.payload_context(),
        );
        golden.assert_blob("payload", &sealed.expect("seals"));
        let wrapped = branch.wrap_data_key(
            &FixedSliceRandom {
                bytes: &salt("data_key"),
            },
            suite,
            &data,
            &golden.data_context(),
        );
        golden.assert_blob("data_key", &wrapped.expect("seals"));
        let wrapped = root.wrap_branch_key(
            &FixedSliceRandom {
                bytes: &salt("branch_key"),
            },
            suite,
            &branch,
            &golden.branch_context("branch_key"),
        );
        golden.assert_blob("branch_key", &wrapped.expect("seals"));
        let wrapped = root.wrap_lookup_key(
            &FixedSliceRandom {
                bytes: &salt("lookup_key"),
            },
            suite,
            &lookup,
            &golden.branch_context("lookup_key"),
        );
        golden.assert_blob("lookup_key", &wrapped.expect("seals"));
    }
}

#[test]
fn a_golden_lookup_key_unwraps_to_the_golden_tags() {
    for golden in FILES.map(Golden::read) {
        let lookup = golden
            .root()
            .unwrap_lookup_key(
                &golden.hex("/lookup_key/blob"),
                &golden.branch_context("lookup_key"),
            )
            .expect("a golden lookup key unwraps");
        let parts = [golden.hex("/mac/parts/0"), golden.hex("/mac/parts/1")];
        assert_eq!(golden.text("/mac/label"), "golden");
        let tag = lookup.mac_key("golden").tag(&[&parts[0], &parts[1]]);
        assert_eq!(HEXLOWER.encode(&tag), golden.text("/mac/tag"));
    }
}

#[test]
fn a_golden_root_key_has_its_golden_id() {
    for golden in FILES.map(Golden::read) {
        assert_eq!(golden.root().id(), golden.text("/root_key_id"));
    }
}

struct Golden(Value);

impl Golden {
    fn read(file: &str) -> Self {
        Self(serde_json::from_str(file).expect("golden files are JSON"))
    }

    fn suite(&self) -> Suite {
        let id = u16::from_str_radix(self.text("/suite"), 16).expect("hex");
        Suite::from_id(id).expect("a golden suite stays known for ever")
    }

    fn root(&self) -> RootKey {
        RootKey::from_bytes(&self.array("/root_key"))
    }

    fn branch(&self) -> BranchKey {
        let bytes = self.hex("/branch_key/plaintext");
        BranchKey::generate(&FixedSliceRandom { bytes: &bytes }).expect("it does not fail")
    }

    fn data(&self) -> DataKey {
        let bytes = self.hex("/data_key/plaintext");
        DataKey::generate(&FixedSliceRandom { bytes: &bytes }).expect("it does not fail")
    }

    fn lookup(&self) -> LookupKey {
        let bytes = self.hex("/lookup_key/plaintext");
        LookupKey::generate(&FixedSliceRandom { bytes: &bytes }).expect("it does not fail")
    }

    fn payload_context(&self) -> PayloadContext<'_> {
        PayloadContext {
            deployment: self.array("/deployment"),
            workspace: self.array("/workspace"),
            key: self.array("/key"),
            version: self.number("/version"),
            provider: self.text("/provider"),
            secret_kind: self.text("/secret_kind"),
        }
    }

    fn data_context(&self) -> DataKeyContext<'_> {
        let payload = &self.hex("/payload/blob")[40..72];
        DataKeyContext {
            payload: self.payload_context(),
            branch_key: self.array("/branch_key/id"),
            branch_version: self.number("/branch_key/version"),
            wrap_revision: self.number("/data_key/wrap_revision"),
            payload_commitment: payload.try_into().expect("the range has 32 bytes"),
        }
    }

    /// Of the branch key, or of the lookup key.
    fn branch_context(&self, level: &str) -> BranchKeyContext<'_> {
        BranchKeyContext {
            deployment: self.array("/deployment"),
            workspace: self.array("/workspace"),
            branch_key: self.array(&format!("/{level}/id")),
            branch_version: self.number(&format!("/{level}/version")),
            root_key: self.text("/root_key_id"),
            root_version: self.number("/root_version"),
        }
    }

    #[track_caller]
    fn assert_blob(&self, level: &str, sealed: &Sealed) {
        let golden = self.text(&format!("/{level}/blob"));
        assert_eq!(HEXLOWER.encode(sealed.as_bytes()), golden, "{level}");
    }

    fn text(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .expect(pointer)
    }

    fn number(&self, pointer: &str) -> u64 {
        self.0
            .pointer(pointer)
            .and_then(Value::as_u64)
            .expect(pointer)
    }

    fn hex(&self, pointer: &str) -> Vec<u8> {
        HEXLOWER
            .decode(self.text(pointer).as_bytes())
            .expect(pointer)
    }

    fn array<const N: usize>(&self, pointer: &str) -> [u8; N] {
        self.hex(pointer).try_into().expect(pointer)
    }
}
