//! Which prices apply to a call: by the length of its input, its service tier and its time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize};

use super::{OffPeak, Prices};

/// What a price depends on besides what was used.
#[derive(Clone, Copy, Debug)]
pub struct CostContext<'a> {
    /// The service tier that the provider says it served the call in; empty when it says nothing.
    pub service_tier: &'a str,
    /// When the call began.
    pub start: SystemTime,
}

impl CostContext<'static> {
    /// Of a call in no tier of its own.
    pub fn standard(start: SystemTime) -> Self {
        Self {
            service_tier: "",
            start,
        }
    }
}

/// Prices, and those that take their place when the input is long.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PriceTable {
    /// The prices below every threshold.
    pub prices: Prices,
    /// What applies beyond thresholds of input, lowest first.
    pub tiers: Vec<LongContextTier>,
}

/// Prices of a call whose input exceeds a threshold.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongContextTier {
    /// Applies from one more token of input than this, cached input included.
    pub above_input_tokens: i64,
    /// The prices there, of the whole call.
    #[serde(default)]
    pub prices: Prices,
}

/// All prices of a model at one time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tariff {
    /// What applies when nothing below does.
    pub standard: PriceTable,
    /// What applies in a service tier, by the name that the provider's answer gives it, in lower
    /// case.
    pub service_tiers: BTreeMap<String, PriceTable>,
    /// What takes the standard's place at certain hours.
    pub off_peak: Option<OffPeak>,
}

/// An announced change of prices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PriceChange {
    /// Calls that begin at this time or later have the new prices.
    pub from: SystemTime,
    /// The new prices, all of them.
    pub tariff: Tariff,
}

impl Tariff {
    /// The prices of a call; none when they are not known.
    pub fn prices(&self, usage: &Usage, context: &CostContext<'_>) -> Option<&Prices> {
        let input = input(usage)?;
        let table = self.table(context)?;
        let tier = table.tier(input);
        let threshold = |tier: Option<&LongContextTier>| tier.map(|tier| tier.above_input_tokens);
        if threshold(tier) < threshold(self.standard.tier(input)) {
            // Long input has prices of its own, and this table does not say which.
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

    /// Every table.
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

/// Whether a provider's word for a tier means that there is none.
pub(super) fn is_standard(service_tier: &str) -> bool {
    STANDARD_TIERS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(service_tier))
}

/// What providers call the absence of a tier, and what callers ask for when they leave it to them.
const STANDARD_TIERS: [&str; 5] = ["", "auto", "default", "on_demand", "standard"];

/// All input, cached or not.
fn input(usage: &Usage) -> Option<i64> {
    usage
        .input_tokens
        .checked_add(usage.cache_read_tokens)?
        .checked_add(usage.cache_write_tokens)?
        .checked_add(usage.cache_write_1h_tokens)?
        .checked_add(usage.image_input_tokens)
}
