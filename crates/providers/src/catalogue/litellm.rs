//! Reads LiteLLM's public price list, `model_prices_and_context_window.json`: a JSON object with a
//! row per model.
//!
//! Amounts are US dollars per token or per image. They are parsed as decimals, never as floats,
//! into whole nano-dollars per million tokens (or per image), rounded up. A class of tokens without
//! a price in a service tier, or beyond a threshold, has an unknown price there.
//!
//! Not read, because Latchkey does not count it: audio, video, searches, sessions, cached images as
//! a class of their own, and regional surcharges.

mod field;
mod hours;
mod row;

use std::collections::HashMap;
use std::fmt;

use latchkey_contract::ProviderId;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{CatalogueError, Model};
use row::Row;

/// The result of reading a price list.
#[derive(Debug)]
pub struct Import {
    /// The models that were read.
    pub models: Vec<Model>,
    /// The rows of supported providers that were skipped, with the reason.
    pub skipped: Vec<Skipped>,
    /// The number of rows of unsupported providers.
    pub of_other_providers: usize,
}

/// A row that was skipped.
#[derive(Debug)]
pub struct Skipped {
    /// The row's name.
    pub name: String,
    /// The reason.
    pub reason: SkipReason,
}

/// Why a row was skipped.
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    /// The row is for an operation that Latchkey does not offer, such as speech.
    #[error("the mode `{0}` is not supported")]
    Mode(String),
    /// The row prices one image size of a model; it is not a model.
    #[error("the row is the price of one image size")]
    Size,
    /// The row has no price for anything that Latchkey counts.
    #[error("the row has no price for tokens or images")]
    NoPrice,
    /// Another row is for the same model. The row with the provider's prefix is used, else the
    /// first.
    #[error("the row `{0}` is for the same model")]
    SameModel(String),
    /// A field has the wrong type, or its amount is negative or beyond `i64`.
    #[error("the field `{0}` is invalid")]
    Field(String),
    /// Two fields set the same price.
    #[error("the field `{0}` sets a price that another field has set")]
    DuplicatePrice(String),
    /// The model breaks a rule of the catalogue.
    #[error(transparent)]
    InvalidModel(#[from] CatalogueError),
}

/// The text is not a JSON object.
#[derive(Debug, thiserror::Error)]
#[error("the file is not a JSON object")]
pub struct ListError(#[source] serde_json::Error);

/// Reads a price list.
pub fn read(text: &str) -> Result<Import, ListError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let rows = deserializer
        .deserialize_map(RowsVisitor)
        .map_err(ListError)?;
    deserializer.end().map_err(ListError)?;
    let mut import = Import {
        models: Vec::new(),
        skipped: Vec::new(),
        of_other_providers: 0,
    };
    let mut origins: HashMap<(ProviderId, String), Origin> = HashMap::new();
    for (name, json) in rows {
        let Some(row) = Row::read(json) else {
            import.skip(name, SkipReason::Field("litellm_provider".to_owned()));
            continue;
        };
        let Some((provider, id, prefixed)) = row.identify(&name) else {
            import.of_other_providers += 1;
            continue;
        };
        let model = match row.model(provider, id) {
            Ok(model) => model,
            Err(reason) => {
                import.skip(name, reason);
                continue;
            }
        };
        match origins.get_mut(&(provider, model.id.clone())) {
            None => {
                let origin = Origin {
                    index: import.models.len(),
                    row: name,
                    prefixed,
                };
                origins.insert((provider, model.id.clone()), origin);
                import.models.push(model);
            }
            Some(origin) if prefixed && !origin.prefixed => {
                import.models[origin.index] = model;
                origin.prefixed = true;
                let before = std::mem::replace(&mut origin.row, name);
                import.skip(before, SkipReason::SameModel(origin.row.clone()));
            }
            Some(origin) => import.skip(name, SkipReason::SameModel(origin.row.clone())),
        }
    }
    Ok(import)
}

impl Import {
    fn skip(&mut self, name: String, reason: SkipReason) {
        self.skipped.push(Skipped { name, reason });
    }
}

/// The row that a model was read from.
struct Origin {
    index: usize,
    row: String,
    prefixed: bool,
}

/// Collects the rows in file order, each as raw JSON.
struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a row per model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = map.next_entry()? {
            rows.push(row);
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
