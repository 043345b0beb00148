//! Conversion between columns and domain values. Counters are unsigned in the domain and signed in SQL.

use std::fmt;

use latchkey_clock::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A table by its name.
#[derive(Clone, Copy)]
pub(super) struct Table(pub(super) &'static str);

impl Table {
    /// The row that `id` identifies.
    pub(super) fn row(self, id: &dyn fmt::Display) -> Row<'_> {
        Row { table: self.0, id }
    }
}

/// A row that is being read. An error names it and the column, and never holds the value.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'static str,
    id: &'a dyn fmt::Display,
}

/// The identity of a row whose primary key has two columns.
pub(super) struct Pair<A, B>(pub(super) A, pub(super) B);

impl<A: fmt::Display, B: fmt::Display> fmt::Display for Pair<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

impl Row<'_> {
    pub(super) fn parse<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| StoreError::Inconsistent {
            table: self.table,
            column,
            row: self.id.to_string(),
        })
    }

    pub(super) fn counter(self, column: &'static str, value: i64) -> Result<u64, StoreError> {
        self.parse(column, u64::try_from(value).ok())
    }

    pub(super) fn small(self, column: &'static str, value: i64) -> Result<u32, StoreError> {
        self.parse(column, u32::try_from(value).ok())
    }

    /// A column that was added after the table was created: empty stands for the default.
    pub(super) fn added_json<T: DeserializeOwned + Default>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        if text.is_empty() {
            return Ok(T::default());
        }
        self.json(column, text)
    }

    pub(super) fn json<T: DeserializeOwned>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        self.parse(column, serde_json::from_str(text).ok())
    }
}

pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Counters stay far below 2^63: at a million changes a second they take 292,000 years.
pub(super) fn signed(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

/// The text of a column that was added after the table was created: empty for the default.
pub(super) fn added_json<T: Serialize + Default + PartialEq>(value: &T) -> String {
    if *value == T::default() {
        return String::new();
    }
    json(value)
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("lists and maps of texts are valid JSON")
}
