//! Selects the prices of a call by the length of its input, its service tier and its time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize};

use super::{OffPeak, Prices};

/// What a price depends on, other than usage.
#[derive(Clone, Copy, Debug)]
pub struct CostContext<'a> {
    /// The service tier that served the call, by the provider's answer. Empty when the answer names
    /// none.
    pub service_tier: &'a str,
    /// The start of the call.
    pub start: SystemTime,
}

impl CostContext<'static> {
    /// The context of a call in the standard service tier.
    pub fn standard(start: SystemTime) -> Self {
        Self {
            service_tier: "",
            start,
        }
    }
}

/// Prices, and the prices that replace them for long input.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceTable {
    /// The prices below all thresholds.
    pub prices: Prices,
    /// The prices beyond each threshold, sorted by threshold.
    pub tiers: Vec<LongContextTier>,
}

/// The prices of a call whose input exceeds a threshold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongContextTier {
    /// The threshold. The tier applies to more input tokens than this, cached input included.
    pub above_input_tokens: i64,
    /// The prices of the whole call.
    #[serde(default)]
    pub prices: Prices,
}

/// All prices of a model during one period.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tariff {
    /// The prices that apply unless another table does.
    pub standard: PriceTable,
    /// Prices per service tier, by the provider's name of the tier in lower case.
    pub service_tiers: BTreeMap<String, PriceTable>,
    /// Prices that replace the standard prices at certain hours.
    pub off_peak: Option<OffPeak>,
}

/// An announced change of prices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PriceChange {
    /// The new prices apply to calls that start at or after this time.
    pub from: SystemTime,
    /// The complete new prices.
    pub tariff: Tariff,
}

impl Tariff {
    /// Returns the prices of a call. None when they are unknown.
    pub fn prices(&self, usage: &Usage, context: &CostContext<'_>) -> Option<&Prices> {
        let input = input(usage)?;
        let table = self.table(context)?;
        let tier = table.tier(input);
        let threshold = |tier: Option<&LongContextTier>| tier.map(|tier| tier.above_input_tokens);
        if threshold(tier) < threshold(self.standard.tier(input)) {
            // Long input has its own prices, which this table does not include.
            return None;
        }
        Some(tier.map_or(&table.prices, |tier| &tier.prices))
    }

    fn table(&self, context: &CostContext<'_>) -> Option<&PriceTable> {
        if !is_standard(context.service_tier) {
            let name = context.service_tier.to_ascii_lowercase();
            return self.service_tiers.get(&name);
        }
        match &self.off_peak {
            Some(off_peak) if off_peak.holds(context.start)? => Some(&off_peak.table),
            _ => Some(&self.standard),
        }
    }

    /// All price tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = &PriceTable> {
        [&self.standard]
            .into_iter()
            .chain(self.service_tiers.values())
            .chain(self.off_peak.iter().map(|off_peak| &off_peak.table))
    }
}

impl PriceTable {
    fn tier(&self, input: i64) -> Option<&LongContextTier> {
        self.tiers
            .iter()
            .rfind(|tier| input > tier.above_input_tokens)
    }
}

/// Whether a provider's name of a tier means the standard tier.
pub(super) fn is_standard(service_tier: &str) -> bool {
    STANDARD_TIERS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(service_tier))
}

/// Names of the standard tier in answers, and of the provider's choice in requests.
const STANDARD_TIERS: [&str; 5] = ["", "auto", "default", "on_demand", "standard"];

/// All input tokens, cached or not. None on overflow.
fn input(usage: &Usage) -> Option<i64> {
    usage
        .input_tokens
        .checked_add(usage.cache_read_tokens)?
        .checked_add(usage.cache_write_tokens)?
        .checked_add(usage.cache_write_1h_tokens)?
        .checked_add(usage.image_input_tokens)
}
