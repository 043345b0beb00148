//! Shipping the journal to the database. A database that is away only lengthens the journal.
//!
//! At the start, what earlier processes left behind is shipped first; attempts of theirs that never
//! ended are closed as UNKNOWN. Rows are written idempotently, so shipping twice changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use latchkey_boot::clock::Timestamp;
use latchkey_boot::drain::Drain;

use super::journal::Position;
use super::{ShipperParts, record};
use crate::domain::attempt::{Attempt, AttemptId};
use crate::store::StoreError;

/// Bytes of the journal per batch: some two hundred attempts.
const BATCH: usize = 128 * 1024;
/// How long is collected before the next batch.
const LINGER: Duration = Duration::from_millis(20);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Ships until the drain starts and everything is shipped.
pub async fn ship(parts: ShipperParts, drain: Drain) {
    let started = parts.clock.now();
    let mut shipper = Shipper {
        parts,
        at: Position::default(),
        leftovers_closed: false,
    };
    loop {
        match shipper.advance(started).await {
            Ok(true) => continue,
            Ok(false) => {
                if drain.is_started() && !shipper.behind() {
                    return;
                }
                tokio::select! {
                    () = shipper.parts.journal.wait_written() => tokio::time::sleep(LINGER).await,
                    () = drain.started() => {}
                }
            }
            Err(error) => {
                log(&error);
                if drain.is_started() {
                    // They stay there for the next process.
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn log(error: &ShipError) {
    let chain = error as &dyn std::error::Error;
    tracing::warn!(error = chain, "attempts wait in the journal");
}

struct Shipper {
    parts: ShipperParts,
    at: Position,
    leftovers_closed: bool,
}

/// A batch that could not be shipped.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error("the journal could not be read")]
    Journal(#[from] std::io::Error),
    #[error("the database failed")]
    Store(#[from] StoreError),
}

impl Shipper {
    /// Ships the next batch. Whether there was one.
    async fn advance(&mut self, started: Timestamp) -> Result<bool, ShipError> {
        let journal = std::sync::Arc::clone(&self.parts.journal);
        let segments = journal.segments()?;
        let Some(oldest) = segments
            .into_iter()
            .find(|segment| *segment >= self.at.segment)
        else {
            return Ok(false);
        };
        if oldest > self.at.segment {
            self.at = Position {
                segment: oldest,
                offset: 0,
            };
        }
        let active = journal.written();
        if self.at.segment >= active.segment && !self.leftovers_closed {
            // Everything that earlier processes wrote is in the database now.
            self.parts
                .store
                .close_leftovers(journal.id(), started)
                .await?;
            self.leftovers_closed = true;
        }
        let (records, next) = journal.read(self.at, BATCH)?;
        let shipped_any = !records.is_empty();
        if shipped_any {
            self.ship(&records).await?;
            self.at.offset = next;
        } else if self.at.segment < active.segment {
            // The rest of a finished segment, if any, was cut by a crash.
            self.at = Position {
                segment: self.at.segment + 1,
                offset: 0,
            };
        } else {
            return Ok(false);
        }
        journal.ship_until(self.at)?;
        Ok(true)
    }

    async fn ship(&self, records: &[Vec<u8>]) -> Result<(), StoreError> {
        // The last record of an attempt tells all; one statement can't write a row twice.
        let mut latest: HashMap<AttemptId, Attempt> = HashMap::new();
        for record in records {
            match record::decode(record) {
                Some(attempt) => drop(latest.insert(attempt.begun.id, attempt)),
                None => tracing::error!("a journal record of another release was left out"),
            }
        }
        let mut attempts: Vec<_> = latest.into_values().collect();
        attempts.sort_by_key(|attempt| attempt.begun.id);
        self.parts
            .store
            .record(self.parts.journal.id(), &attempts)
            .await
    }

    fn behind(&self) -> bool {
        self.at < self.parts.journal.written()
    }
}
