//! One model.

use std::time::SystemTime;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;

use super::tariff::is_standard;
use super::{CatalogueError, CostContext, Operation, PriceChange, Tariff};

/// A model that the catalogue lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    /// Whose it is.
    pub provider: ProviderId,
    /// Its name at the provider.
    pub id: String,
    /// Further names for the very same.
    pub aliases: Vec<String>,
    /// The most input it takes.
    pub max_input_tokens: Option<i64>,
    /// The most output it gives.
    pub max_output_tokens: Option<i64>,
    /// What it can be asked for; empty when that is not known.
    pub operations: Vec<Operation>,
    /// When its provider stops serving it.
    pub retire_time: Option<SystemTime>,
    /// What it costs.
    pub tariff: Tariff,
    /// What it will cost, earliest first.
    pub price_changes: Vec<PriceChange>,
}

impl Model {
    /// A model of which only the name is known.
    pub fn new(provider: ProviderId, id: impl Into<String>) -> Self {
        Self {
            provider,
            id: id.into(),
            aliases: Vec::new(),
            max_input_tokens: None,
            max_output_tokens: None,
            operations: Vec::new(),
            retire_time: None,
            tariff: Tariff::default(),
            price_changes: Vec::new(),
        }
    }

    /// What the usage costs by list price, rounded up to a whole nano-dollar. None when a class
    /// that was used has no price, the prices of that tier or time are not known, a count is
    /// negative, or the amount is beyond `i64`.
    pub fn cost_nanos(&self, usage: &Usage, context: &CostContext<'_>) -> Option<i64> {
        self.tariff_at(context.start)
            .prices(usage, context)?
            .cost_nanos(usage)
    }

    /// What it costs at a time.
    pub fn tariff_at(&self, time: SystemTime) -> &Tariff {
        self.price_changes
            .iter()
            .rfind(|change| change.from <= time)
            .map_or(&self.tariff, |change| &change.tariff)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.aliases.iter().chain([&self.id])
    }

    /// Holds it to the rules of a catalogue.
    pub(super) fn check(&self) -> Result<(), CatalogueError> {
        let model = || self.id.clone();
        if !self.names().all(|name| is_name(name)) {
            return Err(CatalogueError::Name { model: model() });
        }
        let limits = self
            .max_input_tokens
            .into_iter()
            .chain(self.max_output_tokens);
        if limits.into_iter().any(i64::is_negative) {
            return Err(CatalogueError::Negative { model: model() });
        }
        let changes = &self.price_changes;
        if !changes.is_sorted_by(|earlier, later| earlier.from < later.from) {
            return Err(CatalogueError::PriceChangeOrder { model: model() });
        }
        let later = changes.iter().map(|change| &change.tariff);
        for tariff in [&self.tariff].into_iter().chain(later) {
            check_tariff(tariff, &self.id)?;
        }
        Ok(())
    }
}

fn check_tariff(tariff: &Tariff, model: &str) -> Result<(), CatalogueError> {
    let model = || model.to_owned();
    for name in tariff.service_tiers.keys() {
        if is_standard(name) || !is_name(name) || *name != name.to_ascii_lowercase() {
            return Err(CatalogueError::ServiceTier {
                model: model(),
                name: name.clone(),
            });
        }
    }
    for table in tariff.tables() {
        let beyond = table.tiers.iter().flat_map(|tier| tier.prices.amounts());
        let thresholds = table.tiers.iter().map(|tier| tier.above_input_tokens);
        let mut numbers = table.prices.amounts().chain(beyond).chain(thresholds);
        if numbers.any(i64::is_negative) {
            return Err(CatalogueError::Negative { model: model() });
        }
        if !table
            .tiers
            .is_sorted_by(|lower, upper| lower.above_input_tokens < upper.above_input_tokens)
        {
            return Err(CatalogueError::TierOrder { model: model() });
        }
    }
    Ok(())
}

/// Whether it can stand in a request and in an account.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains(char::is_control)
}

/// Bytes; as many as a request's `model` may have.
const MAX_NAME_BYTES: usize = 256;
