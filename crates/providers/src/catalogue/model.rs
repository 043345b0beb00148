//! A model of the catalogue.

use std::time::SystemTime;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;

use super::tariff::is_standard;
use super::{CatalogueError, CostContext, Operation, PriceChange, Tariff};

/// A model that the catalogue lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    /// The provider.
    pub provider: ProviderId,
    /// The provider's name of the model.
    pub id: String,
    /// Other names of the same model.
    pub aliases: Vec<String>,
    /// The maximum input in tokens, if known.
    pub max_input_tokens: Option<i64>,
    /// The maximum output in tokens, if known.
    pub max_output_tokens: Option<i64>,
    /// The operations that the model supports. Empty when unknown.
    pub operations: Vec<Operation>,
    /// When the provider stops serving the model.
    pub retire_time: Option<SystemTime>,
    /// The current prices.
    pub tariff: Tariff,
    /// Announced price changes, earliest first.
    pub price_changes: Vec<PriceChange>,
}

impl Model {
    /// A model without known limits and prices.
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

    /// Returns the list price of the usage, rounded up to a whole nano-dollar. None when a used
    /// class has no price, the prices of the tier or time are unknown, a count is negative, or the
    /// amount exceeds `i64`.
    pub fn cost_nanos(&self, usage: &Usage, context: &CostContext<'_>) -> Option<i64> {
        self.tariff_at(context.start)
            .prices(usage, context)?
            .cost_nanos(usage)
    }

    /// The prices at a time.
    pub fn tariff_at(&self, time: SystemTime) -> &Tariff {
        self.price_changes
            .iter()
            .rfind(|change| change.from <= time)
            .map_or(&self.tariff, |change| &change.tariff)
    }

    /// All names and aliases.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.aliases.iter().chain([&self.id])
    }

    /// Checks the model against the rules of a catalogue.
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

/// Whether a text is a valid name in a request and in the ledger.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains(char::is_control)
}

/// The maximum length in bytes, equal to the limit of a request's `model`.
const MAX_NAME_BYTES: usize = 256;
