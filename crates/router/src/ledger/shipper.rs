//! Ships the journal to the database. While the database is away, the journal grows.
//!
//! At the start, the records of earlier processes are shipped first. Their attempts without an outcome
//! are then closed as UNKNOWN. Rows are written idempotently, so shipping a record twice is harmless.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::journal::{MAX_FRAME_BYTES, Position};
use super::{ShipperParts, record};
use crate::domain::attempt::{Attempt, AttemptId};
use crate::store::StoreError;

/// Bytes of the journal in a batch: about two hundred attempts.
const BATCH_BYTES: usize = 128 * 1024;
const _: () = assert!(
    BATCH_BYTES >= MAX_FRAME_BYTES,
    "a batch must hold any record"
);
/// The time for which records are collected before the next batch.
const BATCH_DELAY: Duration = Duration::from_millis(20);
/// The pause after a failure.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Ships the journal until `over` is cancelled after the last call, and then the remaining records.
pub async fn ship(parts: ShipperParts, over: CancellationToken) {
    let mut shipper = Shipper::new(parts);
    loop {
        // Read before the journal: only then is an empty batch known to be the last one.
        let last = over.is_cancelled();
        match shipper.advance().await {
            Ok(true) => {}
            Ok(false) if last => return,
            Ok(false) => tokio::select! {
                () = shipper.parts.journal.wait_written() => tokio::time::sleep(BATCH_DELAY).await,
                () = over.cancelled() => {}
            },
            Err(error) => {
                log(&error);
                if last {
                    // The next process ships the rest.
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(RETRY_DELAY) => {}
                    () = over.cancelled() => {}
                }
            }
        }
    }
}

fn log(error: &ShipError) {
    let chain = error as &dyn std::error::Error;
    tracing::warn!(error = chain, "attempts could not be shipped");
}

pub(super) struct Shipper {
    parts: ShipperParts,
    /// The next record to ship.
    at: Position,
    leftovers_closed: bool,
}

/// A batch that could not be shipped.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShipError {
    #[error("the journal can't be read")]
    Journal(#[from] std::io::Error),
    #[error("the attempts can't be stored")]
    Store(#[from] StoreError),
}

impl Shipper {
    pub(super) fn new(parts: ShipperParts) -> Self {
        Self {
            parts,
            at: Position::default(),
            leftovers_closed: false,
        }
    }

    /// Ships the next batch. Returns false when nothing was left to ship.
    pub(super) async fn advance(&mut self) -> Result<bool, ShipError> {
        let journal = std::sync::Arc::clone(&self.parts.journal);
        let active = journal.written();
        let oldest = journal
            .segments()?
            .into_iter()
            .find(|segment| *segment >= self.at.segment)
            .unwrap_or(active.segment);
        if oldest > self.at.segment {
            self.at = Position {
                segment: oldest,
                offset: 0,
            };
        }
        self.close_leftovers().await?;
        let batch = journal.read(self.at, BATCH_BYTES)?;
        let shipped_any = !batch.records.is_empty();
        let finished = self.at.segment < active.segment;
        if shipped_any {
            self.ship(&batch.records).await?;
            self.at.offset = batch.next;
        } else if finished {
            if batch.torn {
                let Position { segment, offset } = self.at;
                tracing::warn!(segment, offset, "the damaged rest of a segment was skipped");
            }
            self.at = Position {
                segment: self.at.segment + 1,
                offset: 0,
            };
            // Before readers see the new position.
            self.close_leftovers().await?;
        }
        journal.ship_until(self.at)?;
        Ok(shipped_any || finished)
    }

    /// Closes the open attempts of earlier processes, once all of their records and none of this
    /// process have been shipped.
    async fn close_leftovers(&mut self) -> Result<(), StoreError> {
        let journal = &self.parts.journal;
        if !self.leftovers_closed && self.at >= journal.start() {
            self.parts.store.close_leftovers(journal.id()).await?;
            self.leftovers_closed = true;
        }
        Ok(())
    }

    async fn ship(&self, records: &[Vec<u8>]) -> Result<(), StoreError> {
        // The last record of an attempt replaces the others; one statement can't write a row twice.
        let mut latest: HashMap<AttemptId, Attempt> = HashMap::new();
        for record in records {
            let Some(attempt) = record::decode(record) else {
                tracing::error!("a journal record of another release was skipped");
                continue;
            };
            latest.insert(attempt.start.id, attempt);
        }
        let mut attempts: Vec<_> = latest.into_values().collect();
        attempts.sort_by_key(|attempt| attempt.start.id);
        self.parts
            .store
            .record(self.parts.journal.id(), &attempts)
            .await
    }
}
