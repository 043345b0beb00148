//! Retry hints of providers.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use serde_json::Value;

use super::body::detail;

/// Reads the wait before a retry: `retry-after-ms`, or `Retry-After` as seconds, with or without a
/// fraction, or as a date (RFC 9110, 10.2.3). A past date means no wait.
pub(super) fn from_headers(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let header_text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(wait) = header_text("retry-after-ms").and_then(|text| milliseconds(text, 1.0)) {
        return Some(wait);
    }
    let text = header_text(header::RETRY_AFTER.as_str())?;
    milliseconds(text, 1_000.0).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })
}

/// Reads Google's hint from the body: the delay of `google.rpc.RetryInfo`, such as `38s` or `0.5s`.
pub(super) fn from_details(details: &[Value]) -> Option<Duration> {
    let delay = detail(details, "RetryInfo")?.get("retryDelay")?.as_str()?;
    milliseconds(delay.strip_suffix('s')?, 1_000.0)
}

/// Reads `x-should-retry`, which OpenAI and Anthropic send.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// Parses a decimal number of units, each `unit` milliseconds long.
fn milliseconds(text: &str, unit: f64) -> Option<Duration> {
    let decimal = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !decimal {
        return None; // `parse` would take "inf", "nan" and "1e9" too
    }
    let milliseconds = text.parse::<f64>().ok()? * unit;
    let capped = milliseconds.min(MAX_HINT_MILLISECONDS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "neither negative nor beyond the cap"
    )]
    Some(Duration::from_millis(capped.ceil() as u64))
}

/// One day. The cap also prevents overflow.
const MAX_HINT_MILLISECONDS: f64 = 86_400_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        let now = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
        from_headers(&headers, now)
    }

    #[test]
    fn every_form_of_retry_hint_is_parsed() {
        for (name, value, milliseconds) in [
            ("retry-after-ms", "250", 250),
            ("retry-after-ms", "250.5", 251),
            ("retry-after", "38", 38_000),
            ("retry-after", " 0.5 ", 500),
            ("retry-after", "0", 0),
            ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT", 30_000),
            ("retry-after", "Saturday, 21-Nov-26 12:00:30 GMT", 30_000),
            ("retry-after", "Sat, 21 Nov 2026 11:59:00 GMT", 0),
            ("retry-after", "99999999999999999999", 86_400_000),
        ] {
            let expected = Some(Duration::from_millis(milliseconds));
            assert_eq!(hint_of(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn invalid_retry_hints_are_ignored() {
        for value in ["soon", "-1", "", "inf", "nan", "1.2.3", "1e3"] {
            assert_eq!(hint_of("retry-after", value), None, "{value}");
        }
        assert_eq!(hint_of("x-other", "1"), None);
    }

    #[test]
    fn googles_hint_is_in_the_body() {
        let hint_of = |delay: &str| {
            from_details(&[
                serde_json::json!({"@type": "type.googleapis.com/google.rpc.Help"}),
                serde_json::json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}),
            ])
        };
        assert_eq!(hint_of("38s"), Some(Duration::from_secs(38)));
        assert_eq!(hint_of("0.5s"), Some(Duration::from_millis(500)));
        assert_eq!(
            hint_of("58.821668433s"),
            Some(Duration::from_millis(58_822))
        );
        for no_delay in ["", "s", "38", "-1s", "1e3s"] {
            assert_eq!(hint_of(no_delay), None, "{no_delay}");
        }
        assert_eq!(from_details(&[]), None);
    }

    #[test]
    fn milliseconds_take_precedence_over_seconds() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "1".parse().unwrap());
        headers.insert("retry-after-ms", "20".parse().unwrap());
        let wait = from_headers(&headers, SystemTime::UNIX_EPOCH);
        assert_eq!(wait, Some(Duration::from_millis(20)));
    }
}
