//! Reads LiteLLM's public list of prices, `model_prices_and_context_window.json`: a JSON object
//! with a row per model.
//!
//! Its amounts are US dollars per token, or per picture. They are read as the decimals that they
//! are written as, never by way of a float, into whole nano-dollars per million tokens (or per
//! picture); what is finer than that is rounded up. A class of tokens that a row gives no price in a
//! service tier, or beyond a threshold, is unknown there.
//!
//! Not read, because nothing counts it yet: audio, video, searches, sessions, cached pictures apart
//! from other cached input, and regional surcharges.

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

/// What a list of prices holds.
#[derive(Debug)]
pub struct Import {
    /// The models that could be read.
    pub models: Vec<Model>,
    /// The rows of our providers that could not, and why.
    pub skipped: Vec<Skipped>,
    /// How many rows are of providers that we do not speak to.
    pub of_other_providers: usize,
}

/// A row that was not taken.
#[derive(Debug)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a row was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    /// It is for something that no model is asked for here, such as speech.
    #[error("its mode is `{0}`")]
    Mode(String),
    /// It prices a model's pictures of one size, and is no model.
    #[error("it is the price of one size of picture")]
    Size,
    /// Nothing in it that is counted has a price.
    #[error("it has no price for tokens or pictures")]
    NoPrice,
    /// Another row is of the same model: the one with the provider's prefix wins, else the first.
    #[error("the row `{0}` is of the same model")]
    SameModel(String),
    /// A field is not what it should be, or its amount is negative or beyond `i64`.
    #[error("`{0}` is not readable")]
    Field(String),
    /// Two fields give the same price.
    #[error("`{0}` gives a price a second time")]
    Twice(String),
    /// It breaks a rule of the catalogue.
    #[error(transparent)]
    Rule(#[from] CatalogueError),
}

/// The text is not a JSON object.
#[derive(Debug, thiserror::Error)]
#[error("not a list of prices")]
pub struct ListError(#[source] serde_json::Error);

/// Reads a list.
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
    let mut places: HashMap<(ProviderId, String), Place> = HashMap::new();
    for (name, json) in rows {
        let Some(row) = Row::read(json) else {
            import.skip(name, SkipReason::Field("litellm_provider".to_owned()));
            continue;
        };
        let Some((provider, id, prefixed)) = row.whose(&name) else {
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
        match places.get_mut(&(provider, model.id.clone())) {
            None => {
                let place = Place {
                    index: import.models.len(),
                    row: name,
                    prefixed,
                };
                places.insert((provider, model.id.clone()), place);
                import.models.push(model);
            }
            Some(place) if prefixed && !place.prefixed => {
                import.models[place.index] = model;
                place.prefixed = true;
                let before = std::mem::replace(&mut place.row, name);
                import.skip(before, SkipReason::SameModel(place.row.clone()));
            }
            Some(place) => import.skip(name, SkipReason::SameModel(place.row.clone())),
        }
    }
    Ok(import)
}

impl Import {
    fn skip(&mut self, name: String, reason: SkipReason) {
        self.skipped.push(Skipped { name, reason });
    }
}

/// Where a model of the import came from.
struct Place {
    index: usize,
    row: String,
    prefixed: bool,
}

/// Keeps the rows in their order, each as it is written.
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
