//! Parses decimal amounts of money without floats.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Converts US dollars to nano-dollars, rounded up. The text must be a JSON number. None for other
/// texts, negative amounts, and amounts beyond `i64`.
pub(crate) fn nanos_from_usd(text: &str) -> Option<i64> {
    scaled_up(text, NANO_PLACES)
}

/// Like [`nanos_from_usd`], for any unit that is `unit_places` decimal places below the amount.
pub(crate) fn scaled_up(text: &str, unit_places: i64) -> Option<i64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse().ok()?),
        None => (text, 0_i64),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    let mut all = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !all.all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // The decimal point is after the first `places` digits.
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let leading = digits.len() - significant.len();
    let places = i64::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(unit_places)?
        .checked_sub(i64::try_from(leading).ok()?)?;
    match usize::try_from(places) {
        // The amount is below one unit but not zero.
        Err(_) | Ok(0) => Some(1),
        Ok(places) if places > MAX_PLACES => None,
        Ok(places) => {
            let kept = places.min(significant.len());
            let (kept, rest) = significant.split_at(kept);
            let nanos: i64 = format!("{kept:0<places$}").parse().ok()?;
            let more = rest.bytes().any(|digit| digit != b'0');
            nanos.checked_add(i64::from(more))
        }
    }
}

/// Reads the cost of a call from OpenRouter's usage. With the customer's own upstream key
/// (`is_byok`), OpenRouter bills its fee and the upstream bills the rest; the cost is the sum. None
/// when usage has no cost, or one that is out of range.
pub(crate) fn cost_in(usage: Option<&RawValue>) -> Option<i64> {
    let usage: BilledUsage<'_> = serde_json::from_str(usage?.get()).ok()?;
    let billed = nanos_from_usd(usage.cost?.get())?;
    let upstream = match usage.cost_details {
        Some(details) if usage.is_byok == Some(true) => details.upstream_inference_cost,
        _ => None,
    };
    match upstream.map(RawValue::get) {
        None | Some("null") => Some(billed),
        Some(upstream) => billed.checked_add(nanos_from_usd(upstream)?),
    }
}

#[derive(Deserialize)]
struct BilledUsage<'a> {
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    is_byok: Option<bool>,
    #[serde(borrow)]
    cost_details: Option<Details<'a>>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    upstream_inference_cost: Option<&'a RawValue>,
}

/// The decimal places of a nano-dollar.
pub(crate) const NANO_PLACES: i64 = 9;

/// The decimal digits of `i64::MAX`.
const MAX_PLACES: usize = 19;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_become_nanos_rounded_up() {
        for (text, nanos) in [
            ("0", 0),
            ("0.0", 0),
            ("0e99", 0),
            ("1", 1_000_000_000),
            ("0.1", 100_000_000),
            ("0.00014", 140_000),
            ("1.4e-4", 140_000),
            ("1.4E+1", 14_000_000_000),
            ("0.000000001", 1),
            ("0.0000000011", 2),
            ("0.00000000000001", 1),
            ("1e-300", 1),
            ("0.1234567890000000000000000000001", 123_456_790),
            ("9223372036.854775807", i64::MAX),
        ] {
            assert_eq!(nanos_from_usd(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn a_price_per_token_becomes_one_per_million() {
        let per_million = |text| scaled_up(text, NANO_PLACES + 6);
        assert_eq!(per_million("2.5e-06"), Some(2_500_000_000));
        assert_eq!(per_million("0.0000025"), Some(2_500_000_000));
        assert_eq!(per_million("6e-09"), Some(6_000_000));
        assert_eq!(per_million("2.0000000000000002e-07"), Some(200_000_001));
        assert_eq!(scaled_up("922000", 0), Some(922_000));
        assert_eq!(scaled_up("922000.5", 0), Some(922_001));
    }

    #[test]
    fn invalid_amounts_are_none() {
        for text in [
            "",
            "-1",
            "-0.5",
            "+1",
            ".5",
            "5.",
            "1,5",
            "1e",
            "1e1.5",
            "1.2.3",
            "0x1",
            "NaN",
            "null",
            "\"1\"",
            " 1",
            "1e99999999999999999999",
            "9223372036.854775808",
            "9223372036.8547758071",
            "1e11",
        ] {
            assert_eq!(nanos_from_usd(text), None, "{text}");
        }
    }

    #[test]
    fn a_cost_is_read_beside_unknown_members() {
        let usage = |json: &str| serde_json::from_str::<Box<RawValue>>(json).unwrap();
        let cost = |json| cost_in(Some(&usage(json)));
        assert_eq!(cost(r#"{"prompt_tokens":"many","cost":2.5e-8}"#), Some(25));
        for json in [r#"{"cost":null}"#, "{}", "[]", r#"{"cost":"1"}"#, "null"] {
            assert_eq!(cost(json), None, "{json}");
        }
        assert_eq!(cost_in(None), None);
    }

    fn cost(json: &str) -> Option<i64> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        cost_in(Some(&raw))
    }

    #[test]
    fn the_bill_of_the_upstream_is_included() {
        let details = r#""cost_details":{"upstream_inference_cost":0.002}"#;
        let with = |byok: &str| cost(&format!(r#"{{"cost":0.0001,"is_byok":{byok},{details}}}"#));
        assert_eq!(with("true"), Some(2_100_000));
        assert_eq!(with("false"), Some(100_000));
        assert_eq!(with("null"), Some(100_000));
        let untold =
            r#"{"cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#;
        assert_eq!(cost(untold), Some(100_000));
    }

    proptest! {
        #[test]
        fn the_amount_is_the_least_that_covers_the_text(
            digits in 0_i64..1_000_000_000,
            places in 0_u32..18,
            exponent in -6_i32..3,
        ) {
            let unit = 10_i128.pow(places);
            let (whole, fraction) = (i128::from(digits) / unit, i128::from(digits) % unit);
            let width = usize::try_from(places).unwrap();
            let text = match places {
                0 => format!("{whole}e{exponent}"),
                _ => format!("{whole}.{fraction:0width$}e{exponent}"),
            };
            // In units of 10^-27 dollars, in which every such text is an integer.
            let exact = i128::from(digits) * 10_i128.pow((27 + exponent).unsigned_abs()) / unit;
            let nano = 10_i128.pow(18);
            let least = i64::try_from((exact + nano - 1) / nano).ok();
            prop_assert_eq!(nanos_from_usd(&text), least, "{}", text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[-+0-9.eE]{0,40}|\\PC{0,20}") {
            if let Some(nanos) = nanos_from_usd(&text) {
                prop_assert!(nanos >= 0);
            }
        }
    }
}
