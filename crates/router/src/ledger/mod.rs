//! The ledger of attempts. An attempt is written to a local journal before the provider is called; a
//! background task ships the journal to the database.

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

/// The ledger of this router's attempts.
pub struct Ledger {
    journal: Arc<Journal>,
}

impl Ledger {
    /// A ledger over an open journal.
    pub fn new(journal: Arc<Journal>) -> Self {
        Self { journal }
    }

    /// Writes the present state of an attempt to the journal. It then survives the process.
    pub fn append(&self, attempt: &Attempt) -> Result<(), JournalError> {
        self.journal.append(&record::encode(attempt))
    }

    /// Waits until everything written so far has been shipped, at most for `timeout`. After the
    /// time-out a reader gets the rows that are in the database.
    pub async fn wait_shipped(&self, timeout: Duration) {
        let position = self.journal.written();
        let mut shipped = self.journal.shipped();
        let is_shipped = shipped.wait_for(|shipped| *shipped >= position);
        // When the database is away, the reader's own query fails.
        let _ = tokio::time::timeout(timeout, is_shipped).await;
    }
}

/// The source and the destination of the shipper.
pub struct ShipperParts {
    /// The journal.
    pub journal: Arc<Journal>,
    /// The database.
    pub store: crate::store::Store,
}

#[cfg(test)]
mod tests;
