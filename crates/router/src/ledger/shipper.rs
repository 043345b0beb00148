//! Shipping the journal to the database. A database that is away only lengthens the journal.
//!
//! At the start, what earlier processes left behind is shipped first; attempts of theirs that never
//! ended are closed as UNKNOWN. Rows are written idempotently, so shipping twice changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::journal::{MAX_FRAME_BYTES, Position};
use super::{ShipperParts, record};
use crate::domain::attempt::{Attempt, AttemptId};
use crate::store::StoreError;

/// Bytes of the journal per batch: some two hundred attempts.
const BATCH: usize = 128 * 1024;
const _: () = assert!(BATCH >= MAX_FRAME_BYTES, "a batch must hold any record");
/// How long is collected before the next batch.
const BATCH_DELAY: Duration = Duration::from_millis(20);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Ships until `over`, which comes after the last call, and then what is left.
pub async fn ship(parts: ShipperParts, over: CancellationToken) {
    let mut shipper = Shipper::new(parts);
    loop {
        // Asked before the journal is read: what comes in after that is not the last of it.
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
                    // They stay there for the next process.
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = over.cancelled() => {}
                }
            }
        }
    }
}

fn log(error: &ShipError) {
    let chain = error as &dyn std::error::Error;
    tracing::warn!(error = chain, "attempts wait in the journal");
}

pub(super) struct Shipper {
    parts: ShipperParts,
    at: Position,
    leftovers_closed: bool,
}

/// A batch that could not be shipped.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShipError {
    #[error("the journal could not be read")]
    Journal(#[from] std::io::Error),
    #[error("the database failed")]
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

    /// Ships the next batch. Whether there was one.
    pub(super) async fn advance(&mut self) -> Result<bool, ShipError> {
        let journal = std::sync::Arc::clone(&self.parts.journal);
        let active = journal.written();
        let segments = journal.segments()?;
        let oldest = segments
            .into_iter()
            .find(|segment| *segment >= self.at.segment);
        let oldest = oldest.unwrap_or(active.segment);
        if oldest > self.at.segment {
            self.at = Position {
                segment: oldest,
                offset: 0,
            };
        }
        self.close_leftovers().await?;
        let batch = journal.read(self.at, BATCH)?;
        let shipped_any = !batch.records.is_empty();
        let finished = self.at.segment < active.segment;
        if shipped_any {
            self.ship(&batch.records).await?;
            self.at.offset = batch.next;
        } else if finished {
            if batch.torn {
                let Position { segment, offset } = self.at;
                tracing::warn!(segment, offset, "the rest of a segment is cut or damaged");
            }
            self.at = Position {
                segment: self.at.segment + 1,
                offset: 0,
            };
            // Before readers are told how far it is.
            self.close_leftovers().await?;
        }
        journal.ship_until(self.at)?;
        Ok(shipped_any || finished)
    }

    /// Once everything that earlier processes wrote is in the database, and nothing else.
    async fn close_leftovers(&mut self) -> Result<(), StoreError> {
        let journal = &self.parts.journal;
        if !self.leftovers_closed && self.at >= journal.start() {
            self.parts.store.close_leftovers(journal.id()).await?;
            self.leftovers_closed = true;
        }
        Ok(())
    }

    async fn ship(&self, records: &[Vec<u8>]) -> Result<(), StoreError> {
        // The last record of an attempt tells all; one statement can't write a row twice.
        let mut latest: HashMap<AttemptId, Attempt> = HashMap::new();
        for record in records {
            let Some(attempt) = record::decode(record) else {
                tracing::error!("a journal record of another release was left out");
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
