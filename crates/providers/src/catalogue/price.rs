//! Prices in whole nano-US-dollars, and what a call costs by them.

use latchkey_contract::router::v1::Usage;
use serde::Deserialize;

/// Nano-US-dollars per million tokens: 2,500,000,000 is $2.50.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub struct NanosPerMillion(i64);

impl NanosPerMillion {
    /// A price.
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// As a number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A price for each class of tokens. None means unknown, not free.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Input that no cache was involved in.
    pub input: Option<NanosPerMillion>,
    /// Input read from a cache.
    pub cache_read: Option<NanosPerMillion>,
    /// Input written to a cache for the shortest time.
    pub cache_write: Option<NanosPerMillion>,
    /// Input written to a cache for the longer time: an hour at Anthropic, twelve at OpenAI.
    pub cache_write_1h: Option<NanosPerMillion>,
    /// Output without reasoning.
    pub output: Option<NanosPerMillion>,
    /// Reasoning; none means that it costs what other output does.
    pub reasoning: Option<NanosPerMillion>,
}

/// Prices of a call whose input exceeds a threshold.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LongContextTier {
    /// Applies from one more token of input than this, cached input included.
    pub above_input_tokens: i64,
    /// The prices there, of the whole call.
    #[serde(default)]
    pub prices: Prices,
}

impl Prices {
    /// What the usage costs, rounded up to a whole nano-dollar. None when a class that was used has
    /// no price, a count is negative, or the amount is beyond `i64`.
    pub fn cost_nanos(&self, usage: &Usage) -> Option<i64> {
        let classes = [
            (usage.input_tokens, self.input),
            (usage.cache_read_tokens, self.cache_read),
            (usage.cache_write_tokens, self.cache_write),
            (usage.cache_write_1h_tokens, self.cache_write_1h),
            (usage.output_tokens, self.output),
            (usage.reasoning_tokens, self.reasoning.or(self.output)),
        ];
        let mut millionths: i128 = 0;
        for (tokens, price) in classes {
            match tokens {
                ..0 => return None,
                0 => {}
                _ => {
                    // Both factors fit 63 bits, so the product fits 127.
                    let amount = i128::from(tokens) * i128::from(price?.get());
                    millionths = millionths.checked_add(amount)?;
                }
            }
        }
        // Counts and prices are not negative, so this rounds up.
        let nanos = millionths / TOKENS_PER_PRICE + i128::from(millionths % TOKENS_PER_PRICE > 0);
        i64::try_from(nanos).ok()
    }

    pub(super) fn all(&self) -> [Option<NanosPerMillion>; 6] {
        [
            self.input,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.output,
            self.reasoning,
        ]
    }
}

/// A price is for so many tokens.
const TOKENS_PER_PRICE: i128 = 1_000_000;
