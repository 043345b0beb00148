//! Encodes catalogue models.

use std::time::SystemTime;

use latchkey_clock::Timestamp;
use latchkey_contract::router::v1;
use latchkey_providers::catalogue::{LongContextTier, Model, NanosEach, NanosPerMillion, Prices};

use crate::catalogue::Snapshot;

/// Encodes a model with the prices at `now`. The message has no field for off-peak prices, and none for
/// long input in a service tier.
pub(super) fn encode(snapshot: &Snapshot, model: &Model, now: Timestamp) -> v1::CatalogueModel {
    let tariff = model.tariff_at(now.into());
    let operations = model.operations.iter();
    v1::CatalogueModel {
        name: format!("providers/{}/models/{}", model.provider, model.id),
        aliases: model.aliases.clone(),
        max_input_tokens: model.max_input_tokens.unwrap_or_default(),
        max_output_tokens: model.max_output_tokens.unwrap_or_default(),
        operations: operations
            .map(|operation| v1::Operation::from(*operation).into())
            .collect(),
        prices: Some(prices(&tariff.standard.prices)),
        long_context_prices: tariff.standard.tiers.iter().map(long_context).collect(),
        service_tier_prices: tariff
            .service_tiers
            .iter()
            .map(|(name, table)| (name.clone(), prices(&table.prices)))
            .collect(),
        retire_time: model.retire_time.map(time),
        price_version: snapshot.catalogue.version().to_owned(),
        overridden: snapshot.is_overridden(model),
    }
}

fn time(time: SystemTime) -> prost_types::Timestamp {
    time.into()
}

fn long_context(tier: &LongContextTier) -> v1::LongContextPrices {
    v1::LongContextPrices {
        above_input_tokens: tier.above_input_tokens,
        prices: Some(prices(&tier.prices)),
    }
}

fn prices(prices: &Prices) -> v1::PriceList {
    let nanos = |price: Option<NanosPerMillion>| price.map(NanosPerMillion::get);
    v1::PriceList {
        input_nanos: nanos(prices.input),
        cache_read_nanos: nanos(prices.cache_read),
        cache_write_nanos: nanos(prices.cache_write),
        cache_write_1h_nanos: nanos(prices.cache_write_1h),
        output_nanos: nanos(prices.output),
        reasoning_nanos: nanos(prices.reasoning),
        image_input_nanos: nanos(prices.image_input),
        image_output_nanos: nanos(prices.image_output),
        image_nanos: prices.image.map(NanosEach::get),
    }
}
