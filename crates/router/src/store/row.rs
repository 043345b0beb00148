//! Reading of columns. An error names the row and the column, and never holds the value.

use std::fmt;

use super::StoreError;

/// A row that is being read.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The table.
    pub(super) table: &'static str,
    /// The primary key.
    pub(super) id: &'a dyn fmt::Display,
}

impl Row<'_> {
    pub(super) fn parse<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| StoreError::Inconsistent {
            table: self.table,
            column,
            row: self.id.to_string(),
        })
    }
}
