//! Reads the `off_peak_pricing` of a row.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalogue::off_peak::{Hours, OffPeak, Weekday, Window};
use crate::catalogue::{PriceTable, Prices};

#[derive(Deserialize)]
struct OffPeakPricing {
    hours_utc: Option<OneOrMany<String>>,
    windows: Option<Vec<WrittenWindow>>,
    weekday_timezone: Option<String>,
}

#[derive(Deserialize)]
struct WrittenWindow {
    hours_utc: OneOrMany<String>,
    weekdays: Option<Vec<WrittenDay>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// A number from 1 for Monday, or the first letters of the English name.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenDay {
    Number(usize),
    Name(String),
}

/// Reads off-peak prices. None when they are invalid, or their weekdays are not in UTC.
pub(super) fn off_peak(json: &RawValue, prices: Prices) -> Option<OffPeak> {
    let written: OffPeakPricing = serde_json::from_str(json.get()).ok()?;
    if written.weekday_timezone.is_some_and(|zone| zone != "UTC") {
        return None;
    }
    let mut windows = Vec::new();
    if let Some(every_day) = written.hours_utc {
        windows.push(Window {
            days: None,
            hours_utc: hours(every_day)?,
        });
    }
    for window in written.windows.unwrap_or_default() {
        let days = window
            .weekdays
            .map(|days| days.iter().map(weekday).collect::<Option<Vec<_>>>());
        windows.push(Window {
            days: match days {
                Some(days) => Some(days?),
                None => None,
            },
            hours_utc: hours(window.hours_utc)?,
        });
    }
    let table = PriceTable {
        prices,
        tiers: Vec::new(),
    };
    Some(OffPeak::new(table, windows))
}

fn hours(written: OneOrMany<String>) -> Option<Vec<Hours>> {
    let texts = match written {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    };
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn weekday(written: &WrittenDay) -> Option<Weekday> {
    match written {
        WrittenDay::Number(number) => Weekday::ALL.get(number.checked_sub(1)?).copied(),
        WrittenDay::Name(name) => {
            let name = name.trim().to_ascii_lowercase();
            let whole = |day: &Weekday| day.name() == name;
            let short = |day: &Weekday| name.len() >= 3 && day.name().starts_with(&name);
            let mut days = Weekday::ALL.into_iter();
            days.clone().find(whole).or_else(|| days.find(short))
        }
    }
}
