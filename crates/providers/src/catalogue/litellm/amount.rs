//! Decimal amounts as JSON writes them.

/// The least whole number that is not below `text` times ten to the `power`. None when it is no
/// number, is negative, or is beyond `i64`.
pub(super) fn scaled_up(text: &str, power: i32) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    if negative {
        return None;
    }
    let places = i32::try_from(fraction.len()).ok()?;
    let shift = exponent.checked_add(power)?.checked_sub(places)?;
    if let Ok(shift) = u32::try_from(shift) {
        let number: i64 = significant.parse().ok()?;
        return number.checked_mul(10_i64.checked_pow(shift)?);
    }
    let cut = usize::try_from(shift.unsigned_abs()).ok()?;
    let (kept, dropped) = significant.split_at(significant.len().saturating_sub(cut));
    let number: i64 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    let rounds_up = dropped.bytes().any(|byte| byte != b'0');
    number.checked_add(i64::from(rounds_up))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_read_to_the_last_digit() {
        let per_million = |text| scaled_up(text, 15);
        assert_eq!(per_million("2.5e-06"), Some(2_500_000_000));
        assert_eq!(per_million("0.0000025"), Some(2_500_000_000));
        assert_eq!(per_million("6e-09"), Some(6_000_000));
        assert_eq!(per_million("1E-6"), Some(1_000_000_000));
        assert_eq!(per_million("0.000168"), Some(168_000_000_000));
        assert_eq!(per_million("0"), Some(0));
        assert_eq!(per_million("-0.0"), Some(0));
        assert_eq!(per_million("1"), Some(1_000_000_000_000_000));
    }

    #[test]
    fn what_is_finer_than_a_nano_dollar_rounds_up() {
        assert_eq!(scaled_up("2.0000000000000002e-07", 15), Some(200_000_001));
        assert_eq!(scaled_up("2.857142857142857e-07", 15), Some(285_714_286));
        assert_eq!(scaled_up("1e-300", 15), Some(1));
        assert_eq!(scaled_up("0.039", 9), Some(39_000_000));
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in [
            "",
            "-",
            ".5",
            "1.2.3",
            "1e",
            "1e1.5",
            "null",
            "\"1\"",
            "-1e-6",
            "1e99",
            "9223372036854775808",
            "1e-99999999999",
            "1_000",
            "+1",
        ] {
            assert_eq!(scaled_up(text, 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_amount_is_the_same(mantissa in 0_u32.., exponent in -24_i32..=3) {
            let scaled = i128::from(mantissa) * 10_i128.pow(exponent.saturating_add(15).max(0).unsigned_abs());
            let divisor = 10_i128.pow((-exponent - 15).max(0).unsigned_abs());
            let expected = i64::try_from((scaled + divisor - 1) / divisor).ok();
            prop_assert_eq!(scaled_up(&format!("{mantissa}e{exponent}"), 15), expected);
            if exponent <= 0 {
                let places = usize::try_from(-exponent).unwrap();
                let digits = format!("{mantissa:0>width$}", width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                let plain = format!("{whole}.{fraction}0");
                prop_assert_eq!(scaled_up(&plain, 15), expected);
            }
        }

        #[test]
        fn any_text_is_an_amount_or_none(text in "\\PC{0,40}", power in -40_i32..40) {
            prop_assert!(scaled_up(&text, power).is_none_or(|amount| amount >= 0));
        }
    }
}
