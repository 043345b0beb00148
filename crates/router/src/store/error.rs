//! The errors of the database.

use sea_orm::DbErr;

/// The database failed, or a row of it is not valid.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A column's value can't be decoded.
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
    /// The database could not be reached, or a statement failed.
    #[error("a database operation failed")]
    Database(#[from] DbErr),
}
