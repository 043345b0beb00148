//! The account of attempts: written to a local journal first, shipped to the database behind.

mod journal;
mod record;
mod shipper;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

pub use journal::{Journal, JournalError};
pub use shipper::ship;

use crate::domain::attempt::Attempt;

/// Where the journal is, and how soon it is safe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalConfig {
    /// The folder of the journal: this router's own, on a local disk.
    pub folder: PathBuf,
    /// Milliseconds until what was written is forced to the disk, together with all that came in
    /// between. What was written survives the death of the process at once; the machine's, after
    /// this time. Default 10.
    #[serde(default = "default_sync")]
    pub sync_milliseconds: u64,
}

const fn default_sync() -> u64 {
    10
}

/// The account.
pub struct Ledger {
    journal: Arc<Journal>,
}

impl Ledger {
    /// The account over a journal.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self { journal }
    }

    /// Writes an attempt down as it is now. It survives the process when this returns.
    pub fn append(&self, attempt: &Attempt) -> Result<(), JournalError> {
        self.journal.append(&record::encode(attempt))
    }

    /// Waits until everything written so far is in the database, at most for `patience`. A reader
    /// that does not want to wait longer sees what is there.
    pub async fn caught_up(&self, patience: Duration) {
        let position = self.journal.written();
        let mut shipped = self.journal.shipped();
        let caught_up = shipped.wait_for(|shipped| *shipped >= position);
        // Behind because the database is away: the reader is told by the database.
        let _ = tokio::time::timeout(patience, caught_up).await;
    }
}

/// What the shipper needs.
pub struct ShipperParts {
    /// The journal to ship.
    pub journal: Arc<Journal>,
    /// Where to.
    pub store: crate::store::Store,
}

#[cfg(test)]
mod tests;
