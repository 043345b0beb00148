//! Decodes catalogue models. Errors name the fields of `CatalogueModel`.

use std::time::SystemTime;

use latchkey_contract::names::ModelName;
use latchkey_contract::router::v1;
use latchkey_providers::catalogue::{
    LongContextTier, Model, NanosEach, NanosPerMillion, Operation, PriceTable, Prices,
};

use super::parse;
use crate::error::RouterError;

pub(super) fn decode(message: &v1::CatalogueModel) -> Result<Model, RouterError> {
    let (provider, name) = parse("name", &message.name)?;
    let mut model = Model::new(provider, name.model());
    model.aliases = aliases(&message.aliases)?;
    model.max_input_tokens = limit("max_input_tokens", message.max_input_tokens)?;
    model.max_output_tokens = limit("max_output_tokens", message.max_output_tokens)?;
    model.operations = operations(message)?;
    model.retire_time = message.retire_time.map(retire_time).transpose()?;
    if let Some(list) = &message.prices {
        model.tariff.standard.prices = prices("prices", list)?;
    }
    model.tariff.standard.tiers = long_context(&message.long_context_prices)?;
    if message.service_tier_prices.len() > MAX_ENTRIES {
        return Err(too_many("service_tier_prices"));
    }
    for (name, list) in &message.service_tier_prices {
        let field = format!("service_tier_prices[{name}]");
        let table = PriceTable {
            prices: prices(&field, list)?,
            tiers: Vec::new(),
        };
        model.tariff.service_tiers.insert(name.clone(), table);
    }
    Ok(model)
}

fn aliases(aliases: &[String]) -> Result<Vec<String>, RouterError> {
    if aliases.len() > MAX_ENTRIES {
        return Err(too_many("aliases"));
    }
    for (index, alias) in aliases.iter().enumerate() {
        let long = alias.len() > ModelName::MAX_LENGTH;
        if alias.is_empty() || long || alias.contains(char::is_control) {
            let problem = "must be 1 to 256 bytes, none of them a control character";
            return Err(RouterError::field(format!("aliases[{index}]"), problem));
        }
    }
    Ok(aliases.to_vec())
}

/// Decodes a limit; zero means that it is not known.
fn limit(field: &'static str, value: i64) -> Result<Option<i64>, RouterError> {
    match value {
        ..0 => Err(RouterError::field(field, NEGATIVE)),
        0 => Ok(None),
        _ => Ok(Some(value)),
    }
}

fn operations(message: &v1::CatalogueModel) -> Result<Vec<Operation>, RouterError> {
    let mut operations = Vec::new();
    for (index, number) in message.operations.iter().enumerate() {
        let field = || format!("operations[{index}]");
        let operation = v1::Operation::try_from(*number)
            .ok()
            .and_then(Operation::of)
            .ok_or_else(|| RouterError::field(field(), "must be a known operation"))?;
        if operations.contains(&operation) {
            return Err(RouterError::field(field(), "must not repeat an operation"));
        }
        operations.push(operation);
    }
    Ok(operations)
}

fn retire_time(time: prost_types::Timestamp) -> Result<SystemTime, RouterError> {
    SystemTime::try_from(time)
        .ok()
        .filter(|time| *time >= SystemTime::UNIX_EPOCH)
        .ok_or_else(|| RouterError::field("retire_time", "is not a valid time"))
}

fn long_context(messages: &[v1::LongContextPrices]) -> Result<Vec<LongContextTier>, RouterError> {
    if messages.len() > MAX_ENTRIES {
        return Err(too_many("long_context_prices"));
    }
    let mut tiers: Vec<LongContextTier> = Vec::new();
    for (index, tier) in messages.iter().enumerate() {
        let field = |name| format!("long_context_prices[{index}].{name}");
        let above_input_tokens = tier.above_input_tokens;
        let below = tiers.last().map_or(0, |tier| tier.above_input_tokens);
        if above_input_tokens <= below {
            let problem = "must be above 0 and above the previous threshold";
            return Err(RouterError::field(field("above_input_tokens"), problem));
        }
        let list = tier
            .prices
            .as_ref()
            .ok_or_else(|| RouterError::field(field("prices"), "is required"))?;
        tiers.push(LongContextTier {
            above_input_tokens,
            prices: prices(&field("prices"), list)?,
        });
    }
    Ok(tiers)
}

fn prices(field: &str, list: &v1::PriceList) -> Result<Prices, RouterError> {
    let amount = |name: &str, nanos: Option<i64>| match nanos {
        Some(..0) => Err(RouterError::field(format!("{field}.{name}"), NEGATIVE)),
        _ => Ok(nanos),
    };
    let per_million = |name: &str, nanos| -> Result<_, RouterError> {
        Ok(amount(name, nanos)?.map(NanosPerMillion::new))
    };
    Ok(Prices {
        input: per_million("input_nanos", list.input_nanos)?,
        cache_read: per_million("cache_read_nanos", list.cache_read_nanos)?,
        cache_write: per_million("cache_write_nanos", list.cache_write_nanos)?,
        cache_write_1h: per_million("cache_write_1h_nanos", list.cache_write_1h_nanos)?,
        output: per_million("output_nanos", list.output_nanos)?,
        reasoning: per_million("reasoning_nanos", list.reasoning_nanos)?,
        image_input: per_million("image_input_nanos", list.image_input_nanos)?,
        image_output: per_million("image_output_nanos", list.image_output_nanos)?,
        image: amount("image_nanos", list.image_nanos)?.map(NanosEach::new),
    })
}

fn too_many(field: &'static str) -> RouterError {
    RouterError::field(field, format!("must have at most {MAX_ENTRIES} entries"))
}

/// Aliases, thresholds or service tiers of one model.
const MAX_ENTRIES: usize = 100;

const NEGATIVE: &str = "must not be negative";
