//! Anthropic's usage. Input excludes cache reads and writes; output includes thinking.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;

use crate::json::Count;

/// The usage reported so far. In a stream the numbers are totals and may be repeated or omitted;
/// the last one of each counts.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WireUsage {
    input_tokens: Option<Count>,
    cache_read_input_tokens: Option<Count>,
    cache_creation_input_tokens: Option<Count>,
    cache_creation: Option<CacheCreation>,
    output_tokens: Option<Count>,
    output_tokens_details: Option<OutputDetails>,
    service_tier: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

impl WireUsage {
    /// Merges a later report.
    pub(super) fn update(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = later
            .cache_read_input_tokens
            .or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens = later
            .cache_creation_input_tokens
            .or(self.cache_creation_input_tokens);
        self.cache_creation = later.cache_creation.or(self.cache_creation);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
        if later.service_tier.is_some() {
            self.service_tier = later.service_tier;
        }
    }

    /// The service tier. Empty when it was not reported.
    pub(super) fn service_tier(&self) -> String {
        self.service_tier.clone().unwrap_or_default()
    }

    /// Converts to disjoint classes of tokens. None when no usage was reported.
    pub(super) fn classes(self) -> Option<Usage> {
        if self.input_tokens.is_none() && self.output_tokens.is_none() {
            return None;
        }
        let count = |count: Option<Count>| count.unwrap_or_default().get();
        let written = count(self.cache_creation_input_tokens);
        let writes = self.cache_creation.unwrap_or_default();
        let for_an_hour = writes.ephemeral_1h_input_tokens.get().min(written);
        let output = count(self.output_tokens);
        let details = self.output_tokens_details.unwrap_or_default();
        let thinking = details.thinking_tokens.get().min(output);
        Some(Usage {
            input_tokens: count(self.input_tokens),
            cache_read_tokens: count(self.cache_read_input_tokens),
            cache_write_tokens: written - for_an_hour,
            cache_write_1h_tokens: for_an_hour,
            output_tokens: output - thinking,
            reasoning_tokens: thinking,
            ..Usage::default()
        })
    }
}
