//! Prices in whole nano-US-dollars, and the cost of usage by them.

use latchkey_contract::router::v1::Usage;
use serde::{Deserialize, Serialize};

/// Nano-US-dollars per million tokens: 2,500,000,000 is $2.50.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct NanosPerMillion(i64);

impl NanosPerMillion {
    /// A price in nano-US-dollars.
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The price in nano-US-dollars.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Nano-US-dollars per piece: 39,000,000 is 3.9 cents.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct NanosEach(i64);

impl NanosEach {
    /// A price in nano-US-dollars.
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The price in nano-US-dollars.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// A price for each class of usage. None means unknown, not free.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Input that was neither read from nor written to a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<NanosPerMillion>,
    /// Input read from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<NanosPerMillion>,
    /// Input written to a cache with the shorter lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<NanosPerMillion>,
    /// Input written to a cache with the longer lifetime: one hour at Anthropic, twelve at OpenAI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<NanosPerMillion>,
    /// Output without reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<NanosPerMillion>,
    /// Reasoning. None means that it is priced as other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<NanosPerMillion>,
    /// Image input. None means that it is priced as other input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_input: Option<NanosPerMillion>,
    /// Image output, by tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<NanosPerMillion>,
    /// Each generated image, in addition to priced tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<NanosEach>,
}

impl Prices {
    /// Returns the cost of the usage, rounded up to a whole nano-dollar. None when a used class has
    /// no price, a count is negative, or the amount exceeds `i64`.
    ///
    /// Images are priced per image or per token. A price for one covers the other if that has none.
    /// The cost of images without either price is unknown.
    pub fn cost_nanos(&self, usage: &Usage) -> Option<i64> {
        let sold_by_piece = usage.image_count > 0 && self.image.is_some();
        let sold_by_token = usage.image_output_tokens > 0 && self.image_output.is_some();
        let image_output = self
            .image_output
            .or(sold_by_piece.then_some(NanosPerMillion(0)));
        let image = self.image.or(sold_by_token.then_some(NanosEach(0)));
        let classes = [
            (usage.input_tokens, self.input),
            (usage.cache_read_tokens, self.cache_read),
            (usage.cache_write_tokens, self.cache_write),
            (usage.cache_write_1h_tokens, self.cache_write_1h),
            (usage.output_tokens, self.output),
            (usage.reasoning_tokens, self.reasoning.or(self.output)),
            (usage.image_input_tokens, self.image_input.or(self.input)),
            (usage.image_output_tokens, image_output),
        ];
        let mut millionths: i128 = 0;
        for (tokens, price) in classes {
            let amount = product(tokens, price.map(NanosPerMillion::get))?;
            millionths = millionths.checked_add(amount)?;
        }
        let images = product(usage.image_count, image.map(NanosEach::get))?;
        millionths = millionths.checked_add(images.checked_mul(TOKENS_PER_PRICE)?)?;
        // Counts and prices are not negative, so this rounds up.
        let nanos = millionths / TOKENS_PER_PRICE + i128::from(millionths % TOKENS_PER_PRICE > 0);
        i64::try_from(nanos).ok()
    }

    /// All known amounts.
    pub(super) fn amounts(&self) -> impl Iterator<Item = i64> {
        [
            self.input,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.output,
            self.reasoning,
            self.image_input,
            self.image_output,
        ]
        .into_iter()
        .flatten()
        .map(NanosPerMillion::get)
        .chain(self.image.map(NanosEach::get))
    }
}

/// Multiplies count and price. A count of zero costs nothing, even if the price is unknown.
fn product(count: i64, price: Option<i64>) -> Option<i128> {
    match count {
        ..0 => None,
        0 => Some(0),
        // Both factors fit 63 bits, so the product fits 126.
        _ => Some(i128::from(count) * i128::from(price?)),
    }
}

/// The number of tokens that a token price is for.
const TOKENS_PER_PRICE: i128 = 1_000_000;
