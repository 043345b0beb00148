//! Errors of the database.

use sea_orm::{DbErr, SqlErr};

/// A failed read or write of the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row with this primary or unique key exists already.
    #[error("a row with this key exists")]
    Exists(#[source] DbErr),
    /// The row changed between reading and writing.
    #[error("another call changed the row first")]
    Conflict,
    /// A column holds a value that no vault writes.
    #[error("the value of column {column} is not valid in {table} {row}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row, by its primary key.
        row: String,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated")]
    Migration(#[source] DbErr),
    /// The database could not be reached, or failed.
    #[error("the database failed")]
    Database(#[source] DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Exists(error),
            _ => Self::Database(error),
        }
    }
}
