//! What can go wrong below the domain.

use sea_orm::DbErr;

/// A failure of the database or of what it holds.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row can't be a domain value.
    #[error("table {table}, column {column}: the value is not valid")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated")]
    Migration(#[source] DbErr),
    /// The database could not be reached, or failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}
