//! Names of price fields: the class that is priced, followed by any of a cache time, a threshold
//! and a service tier.

use crate::catalogue::{NanosEach, NanosPerMillion, Prices};
use crate::money::{NANO_PLACES, nanos_from_usd, scaled_up};

/// A parsed field name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PriceField<'a> {
    class: Class,
    /// The threshold in input tokens.
    pub(super) above: Option<i64>,
    /// The service tier, by the provider's name of it.
    pub(super) service_tier: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Input,
    CacheRead,
    CacheWrite,
    CacheWriteLong,
    Output,
    Reasoning,
    ImageInput,
    ImageOutput,
    Image,
}

impl<'a> PriceField<'a> {
    /// Parses a field name. None when the field is not a price, or prices something that is not
    /// counted.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let (class, mut rest) = CLASSES
            .iter()
            .find_map(|(class, prefix)| Some((*class, name.strip_prefix(prefix)?)))?;
        let mut field = Self {
            class,
            above: None,
            service_tier: None,
        };
        while !rest.is_empty() {
            rest = field.take_suffix(rest)?;
        }
        Some(field)
    }

    /// Removes one suffix and returns the rest.
    fn take_suffix(&mut self, rest: &'a str) -> Option<&'a str> {
        for (suffix, service_tier) in SERVICE_TIERS {
            if let Some(rest) = rest.strip_prefix(suffix) {
                let first = self.service_tier.replace(service_tier).is_none();
                return first.then_some(rest);
            }
        }
        for suffix in ["_above_1hr", "_above_12hr"] {
            if let Some(rest) = rest.strip_prefix(suffix) {
                let first = self.class == Class::CacheWrite;
                self.class = Class::CacheWriteLong;
                return first.then_some(rest);
            }
        }
        let (thousands, rest) = rest.strip_prefix("_above_")?.split_once("k_tokens")?;
        let digits = thousands.bytes().all(|byte| byte.is_ascii_digit());
        let tokens: i64 = thousands.parse().ok().filter(|_| digits)?;
        let first = self.above.replace(tokens.checked_mul(1_000)?).is_none();
        first.then_some(rest)
    }

    /// Sets the price. None when the amount is invalid.
    pub(super) fn set(self, prices: &mut Prices, amount: &str) -> Option<SetOnce> {
        if self.class == Class::Image {
            let nanos = nanos_from_usd(amount)?;
            let before = prices.image.replace(NanosEach::new(nanos));
            return Some(SetOnce::after(before.is_some()));
        }
        let nanos = scaled_up(amount, NANO_PLACES + MILLION_PLACES)?;
        let place = match self.class {
            Class::Input => &mut prices.input,
            Class::CacheRead => &mut prices.cache_read,
            Class::CacheWrite => &mut prices.cache_write,
            Class::CacheWriteLong => &mut prices.cache_write_1h,
            Class::Output => &mut prices.output,
            Class::Reasoning => &mut prices.reasoning,
            Class::ImageInput => &mut prices.image_input,
            Class::ImageOutput | Class::Image => &mut prices.image_output,
        };
        let before = place.replace(NanosPerMillion::new(nanos));
        Some(SetOnce::after(before.is_some()))
    }
}

/// Whether the price was unset before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SetOnce {
    First,
    Again,
}

impl SetOnce {
    fn after(set_before: bool) -> Self {
        if set_before { Self::Again } else { Self::First }
    }
}

/// Field name prefixes by class. If one is a prefix of another, the longer comes first.
const CLASSES: [(Class, &str); 8] = [
    (Class::CacheWrite, "cache_creation_input_token_cost"),
    (Class::CacheRead, "cache_read_input_token_cost"),
    (Class::Input, "input_cost_per_token"),
    (Class::ImageInput, "input_cost_per_image_token"),
    (Class::ImageOutput, "output_cost_per_image_token"),
    (Class::Image, "output_cost_per_image"),
    (Class::Reasoning, "output_cost_per_reasoning_token"),
    (Class::Output, "output_cost_per_token"),
];

const SERVICE_TIERS: [(&str, &str); 4] = [
    ("_batches", "batch"),
    ("_flex", "flex"),
    ("_priority", "priority"),
    ("_ultrafast", "ultrafast"),
];

/// Decimal places between a price per token and a price per million tokens.
const MILLION_PLACES: i64 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_combine_in_any_order() {
        let field = |name| PriceField::parse(name).unwrap();
        let long = "cache_creation_input_token_cost_above_12hr_above_272k_tokens_flex";
        assert_eq!(
            field(long),
            PriceField {
                class: Class::CacheWriteLong,
                above: Some(272_000),
                service_tier: Some("flex"),
            }
        );
        let other = "cache_creation_input_token_cost_flex_above_272k_tokens_above_1hr";
        assert_eq!(field(other), field(long));
        assert_eq!(
            field("output_cost_per_token_batches"),
            PriceField {
                class: Class::Output,
                above: None,
                service_tier: Some("batch"),
            }
        );
        assert_eq!(field("output_cost_per_image").class, Class::Image);
        assert_eq!(
            field("output_cost_per_image_token_batches").class,
            Class::ImageOutput
        );
    }

    #[test]
    fn fields_of_uncounted_usage_are_not_prices() {
        for name in [
            "",
            "mode",
            "input_cost_per_token_cache_hit",
            "input_cost_per_token_decisions",
            "input_cost_per_audio_token",
            "input_cost_per_token_flex_priority",
            "input_cost_per_token_above_1hr",
            "input_cost_per_token_above_+1k_tokens",
            "input_cost_per_token_above_k_tokens",
            "input_cost_per_token_above_9223372036854775807k_tokens",
            "input_cost_per_token_above_1k_tokens_above_2k_tokens",
            "cache_creation_input_token_cost_above_1hr_above_12hr",
            "cache_read_input_image_token_cost",
        ] {
            assert_eq!(PriceField::parse(name), None, "{name}");
        }
    }
}
