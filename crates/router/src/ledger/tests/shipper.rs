//! Shipping, on both databases.

use std::fs;

use latchkey_contract::names::WorkspaceName;
use latchkey_migrations::testing::{Backend, TestDatabase};
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::super::journal::{MAX_RECORD_BYTES, MAX_SEGMENT_BYTES};
use super::super::shipper::{ShipError, Shipper};
use super::*;
use crate::store::Store;

/// A folder for a journal, and a database.
struct Fixture {
    folder: TempDir,
    database: TestDatabase,
    store: Store,
}

impl Fixture {
    async fn new(backend: Backend) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 2).await.unwrap();
        store.migrate().await.unwrap();
        Self {
            folder: TempDir::new().unwrap(),
            database,
            store,
        }
    }

    /// What a process begins with.
    fn start(&self) -> (Ledger, Shipper) {
        let journal = open(self.folder.path());
        (Ledger::new(Arc::clone(&journal)), self.shipper(journal))
    }

    fn shipper(&self, journal: Arc<Journal>) -> Shipper {
        let store = self.store.clone();
        Shipper::new(ShipperParts { journal, store })
    }

    async fn state(&self, number: u128) -> Option<State> {
        let acme: WorkspaceName = "workspaces/acme".parse().unwrap();
        let id = AttemptId(Uuid::from_u128(number));
        let found = self.store.attempt(&acme, id).await.unwrap();
        found.map(|attempt| attempt.outcome.state)
    }

    async fn execute(&self, statement: &str) {
        let database = Database::connect(&self.database.url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
    }

    async fn take_away(&self) {
        self.execute("ALTER TABLE attempts RENAME TO away").await;
    }

    async fn bring_back(&self) {
        self.execute("ALTER TABLE away RENAME TO attempts").await;
    }
}

async fn drain(shipper: &mut Shipper) {
    while shipper.advance().await.unwrap() {}
}

macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use super::{Backend, Fixture};

            #[tokio::test]
            async fn postgres() {
                super::$test(Fixture::new(Backend::Postgres).await).await;
            }

            #[tokio::test]
            async fn sqlite() {
                super::$test(Fixture::new(Backend::Sqlite).await).await;
            }
        }
    )+};
}

on_both_databases!(
    a_beginning_and_its_end_are_one_row,
    what_a_process_left_open_is_closed_by_the_next,
    an_end_that_was_not_shipped_is_shipped_by_the_next_process,
    what_this_process_has_open_stays_open,
    shipping_twice_changes_nothing,
    a_database_that_is_away_only_lengthens_the_journal,
    a_torn_tail_is_passed_over,
    damage_costs_the_rest_of_its_segment_only,
    a_record_of_another_release_is_left_out,
    many_segments_are_shipped_and_deleted,
    everything_before_the_end_is_shipped,
    what_cannot_be_shipped_at_the_end_waits_for_the_next_process,
    an_idle_ledger_is_caught_up_at_once,
);

async fn a_beginning_and_its_end_are_one_row(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Started));
    ledger.append(&ended(1)).unwrap();
    // Both in one batch.
    ledger.append(&start(2)).unwrap();
    ledger.append(&ended(2)).unwrap();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
    assert_eq!(fixture.state(2).await, Some(State::Succeeded));
}

async fn what_a_process_left_open_is_closed_by_the_next(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drain(&mut shipper).await;
    // One that the database has not heard of, and one that ended.
    ledger.append(&start(2)).unwrap();
    ledger.append(&ended(3)).unwrap();
    drop((ledger, shipper));
    let (_ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Unknown));
    assert_eq!(fixture.state(2).await, Some(State::Unknown));
    assert_eq!(fixture.state(3).await, Some(State::Succeeded));
}

async fn an_end_that_was_not_shipped_is_shipped_by_the_next_process(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drain(&mut shipper).await;
    ledger.append(&ended(1)).unwrap();
    drop((ledger, shipper));
    let (_ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
}

async fn what_this_process_has_open_stays_open(fixture: Fixture) {
    let (ledger, shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drop((ledger, shipper));
    // The journal outgrows its first segment before the database is reached.
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(2)).unwrap();
    let filler = vec![b' '; MAX_RECORD_BYTES];
    while ledger.journal.written().segment == ledger.journal.start().segment {
        ledger.journal.append(&filler).unwrap();
    }
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Unknown));
    assert_eq!(fixture.state(2).await, Some(State::Started));
}

async fn shipping_twice_changes_nothing(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    ledger.append(&ended(1)).unwrap();
    ledger.append(&start(2)).unwrap();
    drain(&mut shipper).await;
    let mut again = fixture.shipper(Arc::clone(&ledger.journal));
    drain(&mut again).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
}

async fn a_database_that_is_away_only_lengthens_the_journal(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    fixture.take_away().await;
    for number in 1..=3 {
        ledger.append(&start(number)).unwrap();
        let failed = shipper.advance().await;
        assert!(matches!(failed.unwrap_err(), ShipError::Store(_)));
    }
    fixture.bring_back().await;
    drain(&mut shipper).await;
    for number in 1..=3 {
        assert_eq!(fixture.state(number).await, Some(State::Started));
    }
}

async fn a_torn_tail_is_passed_over(fixture: Fixture) {
    let (ledger, shipper) = fixture.start();
    ledger.append(&ended(1)).unwrap();
    ledger.append(&ended(2)).unwrap();
    drop((ledger, shipper));
    let torn = file(fixture.folder.path(), 1);
    let bytes = fs::read(&torn).unwrap();
    fs::write(&torn, &bytes[..bytes.len() - 1]).unwrap();
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&ended(3)).unwrap();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
    assert_eq!(fixture.state(2).await, None);
    assert_eq!(fixture.state(3).await, Some(State::Succeeded));
}

async fn damage_costs_the_rest_of_its_segment_only(fixture: Fixture) {
    let (ledger, shipper) = fixture.start();
    ledger.append(&ended(1)).unwrap();
    let damaged = usize::try_from(ledger.journal.written().offset).unwrap() + 20;
    ledger.append(&ended(2)).unwrap();
    drop((ledger, shipper));
    let segment = file(fixture.folder.path(), 1);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[damaged] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&ended(3)).unwrap();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
    assert_eq!(fixture.state(2).await, None);
    assert_eq!(fixture.state(3).await, Some(State::Succeeded));
}

async fn a_record_of_another_release_is_left_out(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.journal.append(b"{\"of\":\"tomorrow\"}").unwrap();
    ledger.append(&ended(1)).unwrap();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
}

async fn many_segments_are_shipped_and_deleted(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    let filler = vec![b' '; MAX_RECORD_BYTES];
    let full = MAX_SEGMENT_BYTES / u64::try_from(MAX_RECORD_BYTES).unwrap() + 1;
    for number in 1..=3 {
        ledger.append(&ended(number)).unwrap();
        for _ in 0..full {
            ledger.journal.append(&filler).unwrap();
        }
    }
    assert!(ledger.journal.segments().unwrap().len() >= 3);
    drain(&mut shipper).await;
    for number in 1..=3 {
        assert_eq!(fixture.state(number).await, Some(State::Succeeded));
    }
    let left = ledger.journal.segments().unwrap();
    assert_eq!(left, [ledger.journal.written().segment]);
}

async fn everything_before_the_end_is_shipped(fixture: Fixture) {
    let (ledger, _) = fixture.start();
    let parts = ShipperParts {
        journal: Arc::clone(&ledger.journal),
        store: fixture.store.clone(),
    };
    let over = CancellationToken::new();
    let shipping = tokio::spawn(ship(parts, over.clone()));
    for number in 1..=50 {
        ledger.append(&start(number)).unwrap();
        tokio::task::yield_now().await;
        ledger.append(&ended(number)).unwrap();
    }
    over.cancel();
    shipping.await.unwrap();
    for number in 1..=50 {
        assert_eq!(fixture.state(number).await, Some(State::Succeeded));
    }
}

async fn what_cannot_be_shipped_at_the_end_waits_for_the_next_process(fixture: Fixture) {
    let (ledger, _) = fixture.start();
    fixture.take_away().await;
    ledger.append(&ended(1)).unwrap();
    let parts = ShipperParts {
        journal: Arc::clone(&ledger.journal),
        store: fixture.store.clone(),
    };
    let over = CancellationToken::new();
    over.cancel();
    ship(parts, over).await;
    drop(ledger);
    fixture.bring_back().await;
    let (_ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
}

async fn an_idle_ledger_is_caught_up_at_once(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    ledger.caught_up(Duration::MAX).await;
    ledger.append(&ended(1)).unwrap();
    drain(&mut shipper).await;
    ledger.caught_up(Duration::MAX).await;
    // Not forever behind a database that is away.
    ledger.append(&ended(2)).unwrap();
    ledger.caught_up(Duration::ZERO).await;
}
