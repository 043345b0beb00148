//! The store, on both databases.

mod adoption;
mod operations;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use latchkey_contract::uid::WorkspaceUid;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_router::domain::attempt::JournalId;
use latchkey_router::domain::attempt::{
    Attempt, AttemptId, AttemptOutcome, AttemptStart, AttemptUids, Certainty, Operation, Origin,
    Payer, State,
};
use latchkey_router::store::{AttemptFilter, Cursor, Dimension, Store};
use uuid::Uuid;

use crate::harness::{ACME, WEB, uid_of, version};

macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test]
            async fn postgres() {
                super::$test(crate::store::Fixture::new(Backend::Postgres).await).await;
            }

            #[tokio::test]
            async fn sqlite() {
                super::$test(crate::store::Fixture::new(Backend::Sqlite).await).await;
            }
        }
    )+};
}
use on_both_databases;

on_both_databases!(
    an_attempt_is_read_as_it_was_written,
    an_outcome_replaces_the_start,
    a_late_start_does_not_replace_the_outcome,
    an_outcome_is_final,
    writing_twice_changes_nothing,
    many_attempts_are_written_at_once,
    open_attempts_of_the_own_journal_become_unknown,
    attempts_are_newest_first_and_then_by_id,
    a_cursor_continues_between_attempts_of_the_same_moment,
    each_filter_applies,
    an_attempt_is_found_in_its_own_workspace_only,
    sums_are_integers,
    migrating_again_changes_nothing,
);

/// A store and its database.
struct Fixture {
    store: Store,
    backend: Backend,
    _database: TestDatabase,
}

const MINE: JournalId = JournalId(Uuid::from_u128(1));
const OTHERS: JournalId = JournalId(Uuid::from_u128(2));

impl Fixture {
    async fn new(backend: Backend) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 2).await.unwrap();
        assert!(!store.is_current().await.unwrap());
        store.migrate().await.unwrap();
        assert!(store.is_current().await.unwrap());
        Self {
            store,
            backend,
            _database: database,
        }
    }

    async fn record(&self, attempts: &[Attempt]) {
        self.store.record(MINE, attempts).await.unwrap();
    }

    async fn read(&self, number: u128) -> Attempt {
        let id = AttemptId(Uuid::from_u128(number));
        self.store.attempt(acme(), id).await.unwrap().unwrap()
    }

    /// The numbers of the attempts that match.
    async fn list(&self, filter: &AttemptFilter, after: Option<Cursor>, limit: u64) -> Vec<u128> {
        let found = self.store.attempts(filter, after, limit).await.unwrap();
        found
            .iter()
            .map(|attempt| attempt.start.id.0.as_u128())
            .collect()
    }
}

/// The workspace of the attempts.
fn acme() -> WorkspaceUid {
    uid_of(ACME).parse().unwrap()
}

/// Moves an attempt to another scope.
fn moved(mut attempt: Attempt, scope: &str) -> Attempt {
    let workspace = scope.split("/projects/").next().unwrap();
    attempt.start.scope = scope.parse().unwrap();
    attempt.start.uids.workspace = uid_of(workspace).parse().ok();
    attempt.start.uids.project = (workspace != scope).then(|| uid_of(scope).parse().unwrap());
    attempt
}

fn start(number: u128) -> Attempt {
    let start = AttemptStart {
        id: AttemptId(Uuid::from_u128(number)),
        scope: ACME.parse().unwrap(),
        uids: AttemptUids {
            workspace: Some(acme()),
            project: None,
            key: uid_of("workspaces/acme/keys/main").parse().ok(),
        },
        key_version: version(ACME, "main").parse().unwrap(),
        material_tail: "wxyz".to_owned(),
        payer: Payer::Platform,
        provider: ProviderId::Anthropic,
        model: "claude-sonnet-5".parse().unwrap(),
        requester: "token:app".into(),
        origin: Origin::Automation,
        operation: Operation::GenerateImages,
        streamed: true,
        start_time: Timestamp::from_micros(1_795_262_400_000_001),
    };
    Attempt {
        start,
        outcome: AttemptOutcome::default(),
    }
}

fn ended(number: u128) -> Attempt {
    let usage = Usage {
        input_tokens: 1,
        cache_read_tokens: 2,
        cache_write_tokens: 3,
        cache_write_1h_tokens: 4,
        output_tokens: 5,
        reasoning_tokens: i64::MAX,
        image_input_tokens: 6,
        image_output_tokens: 7,
        image_count: 8,
    };
    let outcome = AttemptOutcome {
        state: State::Failed,
        error_reason: "PROVIDER_THROTTLED".into(),
        http_status: 429,
        provider_request_id: "req_1".to_owned(),
        served_model: "claude-sonnet-5-20261101".to_owned(),
        service_tier: "priority".to_owned(),
        first_byte_micros: Some(7),
        latency_micros: Some(i64::MAX),
        usage: Some(usage),
        certainty: Certainty::Reported,
        cost_nanos: Some(i64::MAX),
        price_version: "2026-11-21".to_owned(),
    };
    Attempt {
        outcome,
        ..start(number)
    }
}

fn at(number: u128, micros: i64) -> Attempt {
    let mut attempt = start(number);
    attempt.start.start_time = Timestamp::from_micros(micros);
    attempt
}

fn all() -> AttemptFilter {
    AttemptFilter {
        workspace: acme(),
        project: None,
        start_time: None,
        end_time: None,
        key: None,
        requester: None,
    }
}

fn same(left: &Attempt, right: &Attempt) {
    assert_eq!(format!("{left:?}"), format!("{right:?}"));
}

async fn an_attempt_is_read_as_it_was_written(fixture: Fixture) {
    let in_project = moved(ended(2), WEB);
    fixture.record(&[ended(1), in_project.clone()]).await;
    same(&fixture.read(1).await, &ended(1));
    same(&fixture.read(2).await, &in_project);
    // An unknown usage is read as zeros.
    fixture.record(&[start(3)]).await;
    let mut expected = start(3);
    expected.outcome.usage = Some(Usage::default());
    same(&fixture.read(3).await, &expected);
}

async fn an_outcome_replaces_the_start(fixture: Fixture) {
    fixture.record(&[start(1)]).await;
    assert_eq!(fixture.read(1).await.outcome.state, State::Started);
    fixture.record(&[ended(1)]).await;
    same(&fixture.read(1).await, &ended(1));
}

async fn a_late_start_does_not_replace_the_outcome(fixture: Fixture) {
    fixture.record(&[ended(1)]).await;
    fixture.record(&[start(1)]).await;
    same(&fixture.read(1).await, &ended(1));
}

async fn an_outcome_is_final(fixture: Fixture) {
    fixture.record(&[ended(1)]).await;
    let mut other = ended(1);
    other.outcome.state = State::Succeeded;
    other.outcome.cost_nanos = Some(0);
    fixture.record(&[other]).await;
    same(&fixture.read(1).await, &ended(1));
}

async fn writing_twice_changes_nothing(fixture: Fixture) {
    let attempts = [start(1), ended(2)];
    fixture.record(&attempts).await;
    fixture.record(&attempts).await;
    assert_eq!(fixture.list(&all(), None, 10).await, [2, 1]);
}

async fn many_attempts_are_written_at_once(fixture: Fixture) {
    let many: Vec<_> = (1..=1_201).map(ended).collect();
    fixture.record(&many).await;
    fixture.record(&[]).await;
    assert_eq!(fixture.list(&all(), None, 2_000).await.len(), 1_201);
}

async fn open_attempts_of_the_own_journal_become_unknown(fixture: Fixture) {
    fixture.record(&[start(1), ended(2)]).await;
    fixture.store.record(OTHERS, &[start(3)]).await.unwrap();
    fixture.store.close_leftovers(MINE).await.unwrap();
    let mut expected = start(1);
    expected.outcome.state = State::Unknown;
    expected.outcome.usage = Some(Usage::default());
    same(&fixture.read(1).await, &expected);
    same(&fixture.read(2).await, &ended(2));
    assert_eq!(fixture.read(3).await.outcome.state, State::Started);
    // A closed attempt is final.
    fixture.record(&[ended(1)]).await;
    same(&fixture.read(1).await, &expected);
}

async fn attempts_are_newest_first_and_then_by_id(fixture: Fixture) {
    fixture
        .record(&[at(5, 10), at(1, 30), at(3, 20), at(4, 20), at(2, 20)])
        .await;
    assert_eq!(fixture.list(&all(), None, 10).await, [1, 4, 3, 2, 5]);
    assert_eq!(fixture.list(&all(), None, 2).await, [1, 4]);
}

async fn a_cursor_continues_between_attempts_of_the_same_moment(fixture: Fixture) {
    let attempts = [at(1, 10), at(2, 20), at(3, 20), at(4, 20), at(5, 30)];
    fixture.record(&attempts).await;
    let order = [5, 4, 3, 2, 1];
    assert_eq!(fixture.list(&all(), None, 10).await, order);
    for (index, number) in order.iter().enumerate() {
        let last = fixture.read(*number).await.start;
        let after = Some(Cursor {
            start_time: last.start_time.as_micros(),
            id: last.id.0,
        });
        assert_eq!(fixture.list(&all(), after, 10).await, order[index + 1..]);
    }
}

async fn each_filter_applies(fixture: Fixture) {
    let in_project = moved(at(2, 20), WEB);
    let mut by_other_key = at(3, 30);
    by_other_key.start.key_version = version("platform", "main").parse().unwrap();
    let mut by_other = at(4, 40);
    by_other.start.requester = "token:other".into();
    let elsewhere = moved(at(5, 50), "workspaces/other");
    let attempts = [at(1, 10), in_project, by_other_key, by_other, elsewhere];
    fixture.record(&attempts).await;
    let in_web = AttemptFilter {
        project: uid_of(WEB).parse().ok(),
        ..all()
    };
    let in_other = AttemptFilter {
        workspace: uid_of("workspaces/other").parse().unwrap(),
        ..all()
    };
    let time = |micros| Some(Timestamp::from_micros(micros));
    let from = |micros| AttemptFilter {
        start_time: time(micros),
        ..all()
    };
    let until = |micros| AttemptFilter {
        end_time: time(micros),
        ..all()
    };
    let by_key = AttemptFilter {
        key: Some("platform/keys/main".parse().unwrap()),
        ..all()
    };
    let by_requester = AttemptFilter {
        requester: Some("token:other".to_owned()),
        ..all()
    };
    let both = AttemptFilter {
        start_time: time(20),
        requester: Some("token:app".to_owned()),
        ..all()
    };
    for (filter, expected) in [
        (all(), &[4, 3, 2, 1][..]),
        (in_web, &[2]),
        (in_other, &[5]),
        (from(30), &[4, 3]),
        (from(31), &[4]),
        (until(20), &[1]),
        (until(21), &[2, 1]),
        (by_key, &[3]),
        (by_requester, &[4]),
        (both, &[3, 2]),
    ] {
        assert_eq!(
            fixture.list(&filter, None, 10).await,
            expected,
            "{filter:?}"
        );
        let sums = fixture.store.summarize(&filter, &[], 10).await.unwrap();
        assert_eq!(usize::try_from(sums[0].1.attempts).unwrap(), expected.len());
    }
}

async fn an_attempt_is_found_in_its_own_workspace_only(fixture: Fixture) {
    fixture.record(&[ended(1)]).await;
    let other = uid_of("workspaces/other").parse().unwrap();
    let id = AttemptId(Uuid::from_u128(1));
    assert!(fixture.store.attempt(other, id).await.unwrap().is_none());
}

async fn sums_are_integers(fixture: Fixture) {
    let mut large = ended(1);
    if let Some(usage) = &mut large.outcome.usage {
        usage.reasoning_tokens = i64::MAX - 6;
    }
    let mut small = ended(2);
    small.outcome.cost_nanos = Some(0);
    small.outcome.state = State::Succeeded;
    if let Some(usage) = &mut small.outcome.usage {
        usage.reasoning_tokens = 6;
    }
    fixture.record(&[large, small, start(3)]).await;
    let found = fixture
        .store
        .summarize(&all(), &[Dimension::Day], 10)
        .await
        .unwrap();
    let [(group, sums)] = &found[..] else {
        panic!("expected one row")
    };
    assert_eq!(group.day, Some(20_778));
    assert_eq!(group.model, None);
    assert_eq!((sums.attempts, sums.succeeded, sums.unpriced), (3, 1, 1));
    assert_eq!(sums.cost_nanos, i64::MAX);
    assert_eq!(
        (sums.usage.input_tokens, sums.usage.reasoning_tokens),
        (2, i64::MAX)
    );
}

async fn migrating_again_changes_nothing(fixture: Fixture) {
    fixture.record(&[ended(1)]).await;
    fixture.store.migrate().await.unwrap();
    assert!(fixture.store.is_current().await.unwrap());
    same(&fixture.read(1).await, &ended(1));
}
