use latchkey_clock::Timestamp;
use uuid::Uuid;

use super::*;

fn workspace(number: u128) -> WorkspaceKeys {
    let rng = SystemRandom::new();
    WorkspaceKeys::new(
        DeploymentUid(Uuid::nil()),
        WorkspaceUid(Uuid::from_u128(number)),
        &LookupKey::generate(&rng).unwrap(),
        BranchKeyUid(Uuid::nil()),
        1,
        BranchKey::generate(&rng).unwrap(),
    )
}

fn made(keys: &WorkspaceKeys, uid: DataKeyUid) -> (Secret, data_key::DataKey) {
    let (material, sealed) = keys.make_data_key(&SystemRandom::new(), uid).unwrap();
    let stored = data_key::DataKey {
        uid,
        workspace: keys.workspace,
        wrapped_by: sealed.wrapped_by,
        wrapped_data_key: sealed.wrapped_data_key,
        payload: sealed.payload,
        create_time: Timestamp::UNIX_EPOCH,
    };
    (material, stored)
}

const ONE: DataKeyUid = DataKeyUid(Uuid::from_u128(1));
const TWO: DataKeyUid = DataKeyUid(Uuid::from_u128(2));

#[test]
fn a_data_key_opens_to_its_material() {
    let keys = workspace(1);
    let (material, stored) = made(&keys, ONE);
    assert_eq!(material.expose().len(), 32);
    let opened = keys.open_data_key(&stored).unwrap();
    assert!(opened.expose() == material.expose());
    let (another, _) = made(&keys, ONE);
    assert!(another.expose() != material.expose());
}

#[test]
fn a_data_key_opens_as_itself_alone() {
    let keys = workspace(1);
    let (_, stored) = made(&keys, ONE);
    let moved = data_key::DataKey {
        uid: TWO,
        ..stored.clone()
    };
    assert!(keys.open_data_key(&moved).is_err());
    assert!(workspace(2).open_data_key(&stored).is_err());
    let (_, other) = made(&keys, ONE);
    let mixed = data_key::DataKey {
        payload: other.payload,
        ..stored
    };
    assert!(keys.open_data_key(&mixed).is_err());
}

#[test]
fn material_of_a_provider_does_not_open_as_a_data_key() {
    let keys = workspace(1);
    for provider in ProviderId::ALL {
        assert_ne!(provider.as_str(), keys.data_key_payload(ONE).provider);
        let plain = Secret::new(vec![7; LEASED_KEY_LEN]);
        let context = keys.payload_context(ONE.to_bytes(), 1, provider.as_str(), "api_key");
        let rng = SystemRandom::new();
        let sealed = keys.seal_payload(&rng, &plain, context).unwrap();
        let (_, stored) = made(&keys, ONE);
        let disguised = data_key::DataKey {
            wrapped_by: sealed.wrapped_by,
            wrapped_data_key: sealed.wrapped_data_key,
            payload: sealed.payload,
            ..stored
        };
        assert!(keys.open_data_key(&disguised).is_err());
    }
}
