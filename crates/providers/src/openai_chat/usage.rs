//! Usage of Chat Completions. Totals that include their special cases become disjoint classes of
//! tokens.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::Count;

/// Reads usage. Invalid usage is None: it must not fail an answer that was paid for.
pub(super) fn read(raw: Option<&RawValue>) -> Option<Usage> {
    let usage: WireUsage = serde_json::from_str(raw?.get()).ok()?;
    let hits = usage.prompt_cache_hit_tokens.map(Count::get);
    let misses = usage.prompt_cache_miss_tokens.map(Count::get);
    let prompt = match usage.prompt_tokens {
        Some(prompt) => prompt.get(),
        None => hits?.saturating_add(misses?),
    };
    let completion = usage.completion_tokens?.get();
    let input = usage.prompt_tokens_details.unwrap_or_default();
    let output = usage.completion_tokens_details.unwrap_or_default();
    Some(split(Totals {
        input: prompt,
        // DeepSeek reports cache hits in two fields, or in its own only.
        cache_read: hits.unwrap_or_default().max(input.cached_tokens.get()),
        cache_write: input.cache_write_tokens.get(),
        cache_write_long: 0,
        output: completion,
        reasoning: output.reasoning_tokens.get(),
    }))
}

/// Totals as OpenAI counts them: `input` includes cache reads and writes, `cache_write` includes
/// all writes, `output` includes reasoning.
#[derive(Clone, Copy)]
pub(crate) struct Totals {
    pub(crate) input: i64,
    pub(crate) cache_read: i64,
    pub(crate) cache_write: i64,
    pub(crate) cache_write_long: i64,
    pub(crate) output: i64,
    pub(crate) reasoning: i64,
}

/// Subtracts the special cases from the totals. Special cases that exceed their total are dropped.
pub(crate) fn split(totals: Totals) -> Usage {
    let cache_read = totals.cache_read.min(totals.input);
    let cache_write = totals.cache_write.min(totals.input - cache_read);
    let cache_write_long = totals.cache_write_long.min(cache_write);
    let reasoning = totals.reasoning.min(totals.output);
    Usage {
        input_tokens: totals.input - cache_read - cache_write,
        cache_read_tokens: cache_read,
        cache_write_tokens: cache_write - cache_write_long,
        cache_write_1h_tokens: cache_write_long,
        output_tokens: totals.output - reasoning,
        reasoning_tokens: reasoning,
        ..Usage::default()
    }
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<Count>,
    completion_tokens: Option<Count>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    /// DeepSeek's cache hits.
    prompt_cache_hit_tokens: Option<Count>,
    prompt_cache_miss_tokens: Option<Count>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Option<Usage> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read(Some(&raw))
    }

    #[test]
    fn usage_classes_are_disjoint() {
        let read = usage(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":20}}"#,
        );
        let expected = Usage {
            input_tokens: 10,
            cache_read_tokens: 60,
            cache_write_tokens: 30,
            output_tokens: 30,
            reasoning_tokens: 20,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn details_may_be_null_or_exceed_their_total() {
        let read = usage(
            r#"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":null,
                "completion_tokens_details":{"reasoning_tokens":9}}"#,
        );
        let expected = Usage {
            input_tokens: 5,
            reasoning_tokens: 1,
            ..Usage::default()
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn deepseeks_hits_are_cache_reads() {
        let expected = Usage {
            input_tokens: 36,
            cache_read_tokens: 64,
            output_tokens: 20,
            reasoning_tokens: 30,
            ..Usage::default()
        };
        for prompt in [r#""prompt_tokens":100,"#, ""] {
            let read = usage(&format!(
                r#"{{{prompt}"completion_tokens":50,"prompt_cache_hit_tokens":64,
                    "prompt_cache_miss_tokens":36,
                    "completion_tokens_details":{{"reasoning_tokens":30}}}}"#
            ));
            assert_eq!(read, Some(expected));
        }
    }

    #[test]
    fn invalid_usage_is_none() {
        for json in ["null", "{}", "[]", r#"{"prompt_tokens":1}"#, r#""many""#] {
            assert_eq!(usage(json), None, "{json}");
        }
    }
}
