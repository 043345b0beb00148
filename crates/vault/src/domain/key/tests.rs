use uuid::Uuid;

use super::*;

fn key(state: KeyState) -> Key {
    Key {
        uid: KeyUid(Uuid::nil()),
        workspace: WorkspaceUid(Uuid::nil()),
        project: None,
        slug: Some("k".parse().unwrap()),
        provider: ProviderId::OpenAi,
        settings: KeySettings::default(),
        state,
        state_detail: "words".to_owned(),
        current_version: 1,
        row_revision: 1,
        create_time: at(0),
        update_time: at(0),
        delete_time: None,
        last_used_time: None,
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

#[test]
fn a_disabled_key_can_be_enabled_and_back() {
    let disabled = key(KeyState::Active).disable(at(1)).unwrap();
    assert_eq!(
        (disabled.state, disabled.row_revision),
        (KeyState::Disabled, 2)
    );
    let enabled = disabled.enable(at(2)).unwrap();
    assert_eq!((enabled.state, enabled.row_revision), (KeyState::Active, 3));
    assert_eq!(enabled.update_time, at(2));
}

#[test]
fn a_repeated_transition_changes_nothing() {
    let disabled = key(KeyState::Disabled);
    assert_eq!(disabled.clone().disable(at(1)).unwrap(), disabled);
    let active = key(KeyState::Active);
    assert_eq!(active.clone().enable(at(1)).unwrap(), active);
}

#[test]
fn a_quarantine_does_not_undo_the_owners_switch() {
    let disabled = key(KeyState::Disabled)
        .quarantine("no".to_owned(), at(1))
        .unwrap();
    assert_eq!(disabled.state, KeyState::Disabled);
}

#[test]
fn a_readmission_ends_a_quarantine_but_not_the_owners_switch() {
    let readmitted = key(KeyState::Quarantined).readmit(at(1)).unwrap();
    assert_eq!(
        (readmitted.state, readmitted.state_detail.as_str()),
        (KeyState::Active, "")
    );
    assert_eq!(
        (readmitted.row_revision, readmitted.update_time),
        (2, at(1))
    );
    for state in [KeyState::Active, KeyState::Disabled] {
        assert_eq!(key(state).readmit(at(1)).unwrap(), key(state));
    }
}

#[test]
fn a_new_version_ends_a_quarantine_but_not_the_owners_switch() {
    let renewed = key(KeyState::Quarantined).renew(2, at(1)).unwrap();
    assert_eq!(
        (renewed.state, renewed.state_detail.as_str()),
        (KeyState::Active, "")
    );
    let disabled = key(KeyState::Disabled).renew(2, at(1)).unwrap();
    assert_eq!(
        (disabled.state, disabled.current_version),
        (KeyState::Disabled, 2)
    );
}

#[test]
fn a_deleted_key_allows_no_transition() {
    let deleted = || key(KeyState::Deleted);
    assert!(deleted().enable(at(1)).is_err());
    assert!(deleted().disable(at(1)).is_err());
    assert!(deleted().quarantine(String::new(), at(1)).is_err());
    assert!(deleted().readmit(at(1)).is_err());
    assert!(deleted().renew(2, at(1)).is_err());
    assert!(deleted().delete(at(1)).is_err());
    assert!(deleted().change(KeySettings::default(), at(1)).is_err());
    let error = deleted().enable(at(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key can't be enabled because it is deleted"
    );
}

#[test]
fn a_deleted_key_frees_its_name() {
    let deleted = key(KeyState::Active).delete(at(1)).unwrap();
    assert_eq!((deleted.slug, deleted.delete_time), (None, Some(at(1))));
}

#[test]
fn a_key_expires_at_the_very_moment() {
    let mut key = key(KeyState::Active);
    key.settings.expire_time = Some(at(10));
    assert!(!key.expired(at(9)));
    assert!(key.expired(at(10)));
}
