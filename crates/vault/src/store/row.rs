//! From columns to domain values and back. Counters are unsigned inside and signed in SQL.

use latchkey_clock::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// A table, for naming the column that is wrong.
#[derive(Clone, Copy)]
pub(super) struct Table(pub(super) &'static str);

impl Table {
    pub(super) fn parse<T>(self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or(StoreError::Inconsistent {
            table: self.0,
            column,
        })
    }

    pub(super) fn counter(self, column: &'static str, value: i64) -> Result<u64, StoreError> {
        self.parse(column, u64::try_from(value).ok())
    }

    pub(super) fn small(self, column: &'static str, value: i64) -> Result<u32, StoreError> {
        self.parse(column, u32::try_from(value).ok())
    }

    /// A column that rows had not from the beginning: empty where there is nothing to say.
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

/// For a column that rows had not from the beginning: empty where there is nothing to say.
pub(super) fn added_json<T: Serialize + Default + PartialEq>(value: &T) -> String {
    if *value == T::default() {
        return String::new();
    }
    json(value)
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("lists and maps of texts are valid JSON")
}
