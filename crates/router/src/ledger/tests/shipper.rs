//! Shipping, on both databases.

use std::fs;

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

    /// The ledger and the shipper of a new process.
    fn start(&self) -> (Ledger, Shipper) {
        let journal = open(self.folder.path());
        (Ledger::new(Arc::clone(&journal)), self.shipper(journal))
    }

    fn shipper(&self, journal: Arc<Journal>) -> Shipper {
        let store = self.store.clone();
        Shipper::new(ShipperParts { journal, store })
    }

    async fn state(&self, number: u128) -> Option<State> {
        let id = AttemptId(Uuid::from_u128(number));
        let attempt = self.store.attempt(WORKSPACE, id).await.unwrap();
        attempt.map(|attempt| attempt.outcome.state)
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
    the_start_and_the_outcome_of_an_attempt_are_one_row,
    open_attempts_of_an_earlier_process_are_closed_as_unknown,
    an_unshipped_outcome_is_shipped_by_the_next_process,
    open_attempts_of_this_process_stay_open,
    shipping_twice_changes_nothing,
    attempts_wait_in_the_journal_while_the_database_is_away,
    shipping_continues_after_a_torn_tail,
    damage_loses_only_the_rest_of_its_segment,
    a_record_of_another_release_is_skipped,
    many_segments_are_shipped_and_deleted,
    every_attempt_before_the_shutdown_is_shipped,
    attempts_unshipped_at_the_shutdown_are_shipped_by_the_next_process,
    waiting_for_an_idle_ledger_returns_at_once,
);

async fn the_start_and_the_outcome_of_an_attempt_are_one_row(fixture: Fixture) {
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

async fn open_attempts_of_an_earlier_process_are_closed_as_unknown(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drain(&mut shipper).await;
    // An open attempt that the database does not have yet, and one with an outcome.
    ledger.append(&start(2)).unwrap();
    ledger.append(&ended(3)).unwrap();
    drop((ledger, shipper));
    let (_ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Unknown));
    assert_eq!(fixture.state(2).await, Some(State::Unknown));
    assert_eq!(fixture.state(3).await, Some(State::Succeeded));
}

async fn an_unshipped_outcome_is_shipped_by_the_next_process(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    ledger.append(&start(1)).unwrap();
    drain(&mut shipper).await;
    ledger.append(&ended(1)).unwrap();
    drop((ledger, shipper));
    let (_ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    assert_eq!(fixture.state(1).await, Some(State::Succeeded));
}

async fn open_attempts_of_this_process_stay_open(fixture: Fixture) {
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

async fn attempts_wait_in_the_journal_while_the_database_is_away(fixture: Fixture) {
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

async fn shipping_continues_after_a_torn_tail(fixture: Fixture) {
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

async fn damage_loses_only_the_rest_of_its_segment(fixture: Fixture) {
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

async fn a_record_of_another_release_is_skipped(fixture: Fixture) {
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
    let remaining = ledger.journal.segments().unwrap();
    assert_eq!(remaining, [ledger.journal.written().segment]);
}

async fn every_attempt_before_the_shutdown_is_shipped(fixture: Fixture) {
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

async fn attempts_unshipped_at_the_shutdown_are_shipped_by_the_next_process(fixture: Fixture) {
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

async fn waiting_for_an_idle_ledger_returns_at_once(fixture: Fixture) {
    let (ledger, mut shipper) = fixture.start();
    drain(&mut shipper).await;
    ledger.wait_shipped(Duration::MAX).await;
    ledger.append(&ended(1)).unwrap();
    drain(&mut shipper).await;
    ledger.wait_shipped(Duration::MAX).await;
    // A waiting reader gives up when the database is away.
    ledger.append(&ended(2)).unwrap();
    ledger.wait_shipped(Duration::ZERO).await;
}
