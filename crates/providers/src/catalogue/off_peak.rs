//! Prices that depend on the hour.

use std::str::FromStr;
use std::time::SystemTime;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::date::Date;
use super::{LongContextTier, PriceTable, Prices};

/// Prices at certain hours of certain days, all in UTC.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OffPeak {
    /// The prices.
    pub table: PriceTable,
    pub(super) windows: Vec<Window>,
    /// Days that are off peak from midnight to midnight.
    holidays: Vec<Date>,
    /// The last day of which it is known whether it is a holiday; none means that there are none
    /// but those named.
    holidays_known_until: Option<Date>,
}

/// Hours of certain days of the week.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    /// None means every day.
    pub(super) days: Option<Vec<Weekday>>,
    pub(super) hours_utc: Vec<Hours>,
}

impl OffPeak {
    pub(super) fn new(table: PriceTable, windows: Vec<Window>) -> Self {
        Self {
            table,
            windows,
            holidays: Vec::new(),
            holidays_known_until: None,
        }
    }

    /// Whether the time is off peak. None when it would be but for a holiday, and nobody knows yet
    /// whether the day is one.
    pub(super) fn holds(&self, time: SystemTime) -> Option<bool> {
        let (date, minute) = Date::of(time)?;
        if self.holidays.contains(&date) || self.windows.iter().any(|w| w.holds(date, minute)) {
            return Some(true);
        }
        match self.holidays_known_until {
            Some(last) if date > last => None,
            _ => Some(false),
        }
    }
}

impl Window {
    fn holds(&self, date: Date, minute: u16) -> bool {
        let today = |day: &Weekday| *day as u64 == date.weekday();
        self.days.as_ref().is_none_or(|days| days.iter().any(today))
            && self.hours_utc.iter().any(|hours| hours.holds(minute))
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    pub(super) const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// As a file spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

/// Part of a day: from a minute on, and up to another without it. One that ends before it begins
/// holds from midnight to its end and from its beginning to midnight; one that ends where it begins
/// is the whole day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// A text that is no part of a day, written `16:30-00:30`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a part of a day such as 16:30-00:30")]
pub(super) struct HoursError;

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let (from, to) = text.split_once('-').ok_or(HoursError)?;
        Ok(Self {
            from: minute(from).ok_or(HoursError)?,
            to: minute(to).ok_or(HoursError)?,
        })
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str, below: u16| {
        let written = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|n| written && *n < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for OffPeak {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default)]
            prices: Prices,
            #[serde(default)]
            tiers: Vec<LongContextTier>,
            windows: Vec<Window>,
            #[serde(default)]
            holidays: Vec<Date>,
            holidays_known_until: Option<Date>,
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self {
            table: PriceTable {
                prices: written.prices,
                tiers: written.tiers,
            },
            windows: written.windows,
            holidays: written.holidays,
            holidays_known_until: written.holidays_known_until,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OFF_PEAK: &str = r#"
        windows = [
            { days = ["monday", "friday"], hours_utc = ["16:30-00:30", "04:00-06:00"] },
            { hours_utc = ["12:00-12:01"] },
            { days = ["sunday"], hours_utc = ["00:00-00:00"] },
        ]
        holidays = [2026-12-25]
        holidays_known_until = 2026-12-31
    "#;

    fn holds(date: &str, hour: u64, minute: u64) -> Option<bool> {
        let off_peak: OffPeak = toml::from_str(OFF_PEAK).unwrap();
        let date: Date = date.parse().unwrap();
        off_peak.holds(date.start() + Duration::from_secs((hour * 60 + minute) * 60 + 59))
    }

    #[test]
    fn a_window_begins_at_its_minute_and_ends_before_its_last() {
        // A Monday.
        assert_eq!(holds("2026-11-30", 3, 59), Some(false));
        assert_eq!(holds("2026-11-30", 4, 0), Some(true));
        assert_eq!(holds("2026-11-30", 5, 59), Some(true));
        assert_eq!(holds("2026-11-30", 6, 0), Some(false));
    }

    #[test]
    fn a_window_may_lie_around_midnight() {
        assert_eq!(holds("2026-11-30", 16, 29), Some(false));
        assert_eq!(holds("2026-11-30", 16, 30), Some(true));
        assert_eq!(holds("2026-11-30", 23, 59), Some(true));
        assert_eq!(holds("2026-11-30", 0, 29), Some(true));
        assert_eq!(holds("2026-11-30", 0, 30), Some(false));
    }

    #[test]
    fn a_window_holds_on_its_days_or_on_all() {
        // A Tuesday, a Sunday.
        assert_eq!(holds("2026-12-01", 4, 0), Some(false));
        assert_eq!(holds("2026-12-01", 12, 0), Some(true));
        assert_eq!(holds("2026-12-06", 9, 0), Some(true));
    }

    #[test]
    fn a_holiday_is_off_peak_and_an_unknown_day_is_unknown() {
        // A Friday, and a Thursday of which nothing is known.
        assert_eq!(holds("2026-12-25", 9, 0), Some(true));
        assert_eq!(holds("2026-12-31", 9, 0), Some(false));
        assert_eq!(holds("2027-01-07", 9, 0), None);
        assert_eq!(holds("2027-01-07", 12, 0), Some(true));
    }

    #[test]
    fn what_is_no_part_of_a_day_is_refused() {
        for text in [
            "",
            "4-6",
            "04:00",
            "24:00-01:00",
            "04:60-05:00",
            "04:00-05:00 ",
            "+4:00-05:00",
        ] {
            assert_eq!(text.parse::<Hours>(), Err(HoursError), "{text}");
        }
    }
}
