//! Usage of Responses: counted as in Chat Completions, under other names.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Count;
use crate::openai_chat::{Totals, split};

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for.
pub(super) fn read(raw: Option<&RawValue>) -> Option<Usage> {
    let usage: WireUsage = serde_json::from_str(raw?.get()).ok()?;
    let (input_tokens, output_tokens) = (usage.input_tokens?.get(), usage.output_tokens?.get());
    let input = usage.input_tokens_details.unwrap_or_default();
    let output = usage.output_tokens_details.unwrap_or_default();
    let writes = input.cache_write_tokens_details.unwrap_or_default();
    Some(split(Totals {
        input: input_tokens,
        cache_read: input.cached_tokens.get(),
        cache_write: input.cache_write_tokens.get(),
        cache_write_long: writes.ttl_12h_tokens.get(),
        output: output_tokens,
        reasoning: output.reasoning_tokens.get(),
    }))
}

#[derive(Deserialize)]
struct WireUsage {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    cache_write_tokens_details: Option<CacheWrites>,
}

/// Cache writes for half an hour and for twelve hours. The total includes both.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CacheWrites {
    ttl_12h_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}
