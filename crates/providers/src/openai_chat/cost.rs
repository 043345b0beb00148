//! What a call cost, as OpenRouter tells it: a decimal number of US dollars.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads the cost in nano-US-dollars, rounded up. With an upstream key of the customer's own
/// (`is_byok`), OpenRouter bills its fee alone and the upstream the rest; together they are what the
/// call cost. None when the usage does not tell, or not in a number that fits.
pub(super) fn read(usage: Option<&RawValue>) -> Option<i64> {
    let usage: WireUsage<'_> = serde_json::from_str(usage?.get()).ok()?;
    let billed = nanos(usage.cost?.get())?;
    let upstream = match usage.cost_details {
        Some(details) if usage.is_byok == Some(true) => details.upstream_inference_cost,
        _ => None,
    };
    match upstream.map(RawValue::get) {
        None | Some("null") => Some(billed),
        Some(upstream) => billed.checked_add(nanos(upstream)?),
    }
}

#[derive(Deserialize)]
struct WireUsage<'a> {
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

/// A JSON number (RFC 8259, 6), or one as text, as billionths, rounded up. Digit by digit, for no
/// double holds 0.1.
fn nanos(number: &str) -> Option<i64> {
    let number = number.trim_matches('"');
    let (digits, exponent) = match number.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !all.all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Where the point stands among the digits, once they are billionths.
    let places = i64::try_from(whole.len()).ok()? + i64::from(exponent) + NANO_DIGITS;
    let mut nanos: i64 = 0;
    let mut rest = false;
    let mut place = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if place < places {
            nanos = nanos.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
        } else {
            rest |= byte != b'0';
        }
        place += 1;
    }
    if nanos != 0 {
        for _ in place..places {
            nanos = nanos.checked_mul(10)?;
        }
    }
    nanos.checked_add(i64::from(rest))
}

/// A nano is 10 to the power of -9.
const NANO_DIGITS: i64 = 9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cost(json: &str) -> Option<i64> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        read(Some(&raw))
    }

    #[test]
    fn dollars_become_nanos_and_round_up() {
        for (number, expected) in [
            ("0", 0),
            ("0.0", 0),
            ("1", 1_000_000_000),
            ("0.00014", 140_000),
            ("0.1", 100_000_000),
            ("1.5e-7", 150),
            ("1.5E-9", 2),
            ("0.0000000001", 1),
            ("1e-30", 1),
            ("12e2", 1_200_000_000_000),
            ("0e400", 0),
            ("\"0.25\"", 250_000_000),
            ("0.12345678900", 123_456_789),
            ("9223372036.854775807", i64::MAX),
        ] {
            assert_eq!(nanos(number), Some(expected), "{number}");
        }
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for number in [
            "-1",
            "null",
            "",
            "\"free\"",
            "1e99",
            "9223372036.854775808",
            "1e",
        ] {
            assert_eq!(nanos(number), None, "{number}");
        }
    }

    #[test]
    fn an_upstream_that_bills_by_itself_counts_too() {
        let details = r#""cost_details":{"upstream_inference_cost":0.002}"#;
        let with = |byok: &str| cost(&format!(r#"{{"cost":0.0001,"is_byok":{byok},{details}}}"#));
        assert_eq!(with("true"), Some(2_100_000));
        assert_eq!(with("false"), Some(100_000));
        assert_eq!(with("null"), Some(100_000));
        let untold =
            r#"{"cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#;
        assert_eq!(cost(untold), Some(100_000));
    }

    #[test]
    fn usage_without_a_cost_costs_nobody_knows_what() {
        for json in [
            "null",
            "{}",
            "[]",
            r#"{"cost":null}"#,
            r#"{"prompt_tokens":1}"#,
        ] {
            assert_eq!(cost(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn whole_nanos_are_exact_however_they_are_written(amount in 0_i64..i64::MAX) {
            let (dollars, rest) = (amount / 1_000_000_000, amount % 1_000_000_000);
            prop_assert_eq!(nanos(&format!("{dollars}.{rest:09}")), Some(amount));
            prop_assert_eq!(nanos(&format!("{amount}e-9")), Some(amount));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9eE.+\\-\"]{0,24}") {
            let _ = nanos(&text);
        }
    }
}
