//! Errors of keys and of the rows and values that they protect.

use std::fmt;

use latchkey_envelope::SealError;

use super::MacRow;
use crate::domain::uid::RandomnessError;
use crate::store::StoreError;

/// A failure of custody.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// A row or a sealed value is not what the vault stored.
    #[error(transparent)]
    Integrity(#[from] IntegrityFailure),
    /// The system's source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// The keyring lacks the root key that a branch key was wrapped under.
    #[error("the keyring lacks a root key that is in use")]
    RootKeyMissing,
    /// Sealing failed.
    #[error("sealing failed")]
    Seal(#[source] SealError),
    /// The database failed.
    #[error("reading or writing a row failed")]
    Store(#[source] StoreError),
}

/// A row that is not what the vault stored, or that is missing though another row refers to it.
///
/// It names the row for the operator and says neither what the row holds nor how the check failed:
/// the cause would help an attacker who can write to the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IntegrityFailure {
    /// The table.
    pub table: &'static str,
    /// The column, where one alone is known to be wrong.
    pub column: Option<&'static str>,
    /// The row, by its primary key.
    pub row: String,
}

impl IntegrityFailure {
    /// A failure of a row, by its primary key.
    pub fn new(table: &'static str, row: impl fmt::Display) -> Self {
        Self {
            table,
            column: None,
            row: row.to_string(),
        }
    }

    /// A failure of the row that holds `value`.
    pub fn of<T: MacRow>(value: &T) -> Self {
        Self::new(T::TABLE, value.primary_key())
    }
}

impl fmt::Display for IntegrityFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, row } = self;
        write!(f, "integrity check failed for {table} {row}")?;
        match column {
            Some(column) => write!(f, ", column {column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for IntegrityFailure {}

impl From<RandomnessError> for CustodyError {
    fn from(_: RandomnessError) -> Self {
        Self::Randomness
    }
}

impl From<SealError> for CustodyError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<StoreError> for CustodyError {
    fn from(error: StoreError) -> Self {
        match error {
            // No vault writes a row that can't be read as a domain value.
            StoreError::Inconsistent { table, column, row } => Self::Integrity(IntegrityFailure {
                table,
                column: Some(column),
                row,
            }),
            error => Self::Store(error),
        }
    }
}
