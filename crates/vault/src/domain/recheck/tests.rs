use latchkey_clock::{Clock as _, ManualClock};
use latchkey_contract::ProviderId;
use uuid::Uuid;

use super::*;
use crate::domain::destination::Destination;
use crate::domain::material::SecretKind;
use crate::domain::settings::KeySettings;
use crate::domain::uid::{BranchKeyUid, KeyUid, WorkspaceUid};
use crate::domain::verification::{Grade, Verification};
use crate::domain::version::{VersionState, WrappedBy};

const INTERVAL: Duration = Duration::from_mins(15);
const ALMOST: Duration = Duration::from_secs(899);
const MOMENT: Duration = Duration::from_secs(1);

fn interval() -> RecheckInterval {
    RecheckInterval::from_seconds(INTERVAL.as_secs()).unwrap()
}

/// An active key, checked when it was made.
fn fresh(clock: &ManualClock) -> (Key, KeyVersion) {
    let now = clock.now();
    let key = Key {
        uid: KeyUid(Uuid::nil()),
        workspace: WorkspaceUid(Uuid::nil()),
        project: None,
        slug: Some("k".parse().unwrap()),
        provider: ProviderId::OpenAi,
        settings: KeySettings::default(),
        state: KeyState::Active,
        state_detail: String::new(),
        current_version: 1,
        row_revision: 1,
        create_time: now,
        update_time: now,
        delete_time: None,
        last_used_time: None,
    };
    let version = KeyVersion {
        key: key.uid,
        version: 1,
        workspace: key.workspace,
        state: VersionState::Current,
        destination: Destination::default(),
        secret_kind: SecretKind::ApiKey,
        material_tail: String::new(),
        fingerprint: [0; 16],
        wrapped_by: WrappedBy {
            branch_key: BranchKeyUid(Uuid::nil()),
            branch_version: 1,
            wrap_revision: 1,
        },
        wrapped_data_key: Vec::new(),
        payload: Vec::new(),
        verification: checked(clock),
        create_time: now,
        destroy_time: None,
    };
    (key, version)
}

fn checked(clock: &ManualClock) -> Verification {
    Verification {
        grade: Grade::Format,
        detail: String::new(),
        time: clock.now(),
    }
}

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_micros(1_795_262_400_000_000))
}

/// A key that was made long before its provider refused it.
fn refused(clock: &ManualClock) -> (Key, KeyVersion) {
    let (key, version) = fresh(clock);
    clock.advance(INTERVAL * 2);
    let key = key.quarantine("no".to_owned(), clock.now()).unwrap();
    (key, version)
}

#[test]
fn a_refused_key_is_due_an_interval_after_its_quarantine_began() {
    let clock = clock();
    let (key, version) = refused(&clock);
    assert!(!interval().is_due(&key, &version, clock.now()));
    clock.advance(ALMOST);
    assert!(!interval().is_due(&key, &version, clock.now()));
    clock.advance(MOMENT);
    assert!(interval().is_due(&key, &version, clock.now()));
}

#[test]
fn a_check_puts_the_next_one_off_by_an_interval() {
    let clock = clock();
    let (key, version) = refused(&clock);
    clock.advance(INTERVAL);
    let version = version.verified(checked(&clock));
    assert!(!interval().is_due(&key, &version, clock.now()));
    clock.advance(ALMOST);
    assert!(!interval().is_due(&key, &version, clock.now()));
    clock.advance(MOMENT);
    assert!(interval().is_due(&key, &version, clock.now()));
}

#[test]
fn a_key_in_another_state_is_never_due() {
    let clock = clock();
    let (key, version) = fresh(&clock);
    let now = clock.now();
    let disabled = key.clone().disable(now).unwrap();
    let deleted = key.clone().delete(now).unwrap();
    clock.advance(INTERVAL * 100);
    for key in [key, disabled, deleted] {
        assert!(!interval().is_due(&key, &version, clock.now()), "{key:?}");
    }
}

#[test]
fn an_expired_key_is_not_due() {
    let clock = clock();
    let (mut key, version) = refused(&clock);
    key.settings.expire_time = Some(clock.now() + INTERVAL + MOMENT);
    clock.advance(INTERVAL);
    assert!(interval().is_due(&key, &version, clock.now()));
    clock.advance(MOMENT);
    assert!(!interval().is_due(&key, &version, clock.now()));
}

#[test]
fn nothing_is_ever_due_after_an_interval_beyond_all_time() {
    let clock = clock();
    let (key, version) = refused(&clock);
    let endless = RecheckInterval::from_seconds(u64::MAX).unwrap();
    assert!(!endless.is_due(&key, &version, clock.now()));
}

#[test]
fn an_interval_of_0_means_never() {
    assert_eq!(RecheckInterval::from_seconds(0), None);
}

#[test]
fn rounds_run_ten_times_in_an_interval_within_bounds() {
    let period = |seconds| RecheckInterval::from_seconds(seconds).unwrap().period();
    assert_eq!(period(1), Duration::from_secs(1));
    assert_eq!(period(60), Duration::from_secs(6));
    assert_eq!(period(900), Duration::from_mins(1));
}
