//! One model.

use latchkey_contract::router::v1::Usage;

use super::{LongContextTier, ModelTraits, Prices};
use crate::Provider;

/// A model that the catalogue lists.
#[derive(Clone, Debug)]
pub struct Model {
    /// Whose it is.
    pub provider: Provider,
    /// Its name at the provider.
    pub id: String,
    /// Further names for the very same.
    pub aliases: Vec<String>,
    /// The most input it takes.
    pub max_input_tokens: Option<i64>,
    /// The most output it gives.
    pub max_output_tokens: Option<i64>,
    /// What it costs.
    pub prices: Prices,
    /// What it costs beyond thresholds of input, lowest first.
    pub tiers: Vec<LongContextTier>,
    /// What it takes.
    pub traits: ModelTraits,
}

impl Model {
    /// What the usage costs by list price, rounded up to a whole nano-dollar. None when a class
    /// that was used has no price, a count is negative, or the amount is beyond `i64`.
    pub fn cost_nanos(&self, usage: &Usage) -> Option<i64> {
        self.prices_at(usage)?.cost_nanos(usage)
    }

    fn prices_at(&self, usage: &Usage) -> Option<&Prices> {
        let input = usage
            .input_tokens
            .checked_add(usage.cache_read_tokens)?
            .checked_add(usage.cache_write_tokens)?
            .checked_add(usage.cache_write_1h_tokens)?;
        let tier = self
            .tiers
            .iter()
            .rfind(|tier| input > tier.above_input_tokens);
        Some(tier.map_or(&self.prices, |tier| &tier.prices))
    }
}
