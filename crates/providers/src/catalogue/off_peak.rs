//! Prices that apply at certain hours of the week only.

use std::str::FromStr;
use std::time::SystemTime;

use jiff::civil::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::date::Date;
use super::{LongContextTier, PriceTable, Prices};

/// Prices that apply at certain hours of certain days, all in UTC.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OffPeak {
    /// The prices.
    pub table: PriceTable,
    pub(super) windows: Vec<Window>,
    /// Days that are off peak as a whole.
    holidays: Vec<Date>,
    /// The last day covered by `holidays`. None means that the list is complete for all time.
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

    /// Whether a time is off peak. None when the time is outside every window and its day, later
    /// than `holidays_known_until`, may be a holiday.
    pub(super) fn holds(&self, time: SystemTime) -> Option<bool> {
        let (date, time) = Date::of(time)?;
        if self.holidays.contains(&date) || self.windows.iter().any(|w| w.holds(date, time)) {
            return Some(true);
        }
        match self.holidays_known_until {
            Some(last) if date > last => None,
            _ => Some(false),
        }
    }
}

impl Window {
    fn holds(&self, date: Date, time: Time) -> bool {
        let weekday = date.weekday().to_monday_zero_offset();
        let is_today = |day: &Weekday| *day as i8 == weekday;
        self.days
            .as_ref()
            .is_none_or(|days| days.iter().any(is_today))
            && self.hours_utc.iter().any(|hours| hours.holds(time))
    }
}

/// A day of the week, as a catalogue file spells it.
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

/// A part of a day, `from` included and `to` excluded. A part that ends before it begins wraps
/// around midnight; a part that ends where it begins is the whole day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Hours {
    from: Time,
    to: Time,
}

impl Hours {
    fn holds(self, time: Time) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

/// A text that is not a part of a day, written `16:30-00:30`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a part of a day such as 16:30-00:30")]
pub(super) struct HoursError;

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let (from, to) = text.split_once('-').ok_or(HoursError)?;
        Ok(Self {
            from: time_of_day(from).ok_or(HoursError)?,
            to: time_of_day(to).ok_or(HoursError)?,
        })
    }
}

/// Reads `16:30`, and no other form of a time.
fn time_of_day(text: &str) -> Option<Time> {
    let [h1, h2, b':', m1, m2] = text.as_bytes() else {
        return None;
    };
    if ![h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
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
    fn a_window_includes_its_first_minute_and_excludes_its_end() {
        // A Monday.
        assert_eq!(holds("2026-11-30", 3, 59), Some(false));
        assert_eq!(holds("2026-11-30", 4, 0), Some(true));
        assert_eq!(holds("2026-11-30", 5, 59), Some(true));
        assert_eq!(holds("2026-11-30", 6, 0), Some(false));
    }

    #[test]
    fn a_window_may_wrap_around_midnight() {
        assert_eq!(holds("2026-11-30", 16, 29), Some(false));
        assert_eq!(holds("2026-11-30", 16, 30), Some(true));
        assert_eq!(holds("2026-11-30", 23, 59), Some(true));
        assert_eq!(holds("2026-11-30", 0, 29), Some(true));
        assert_eq!(holds("2026-11-30", 0, 30), Some(false));
    }

    #[test]
    fn a_window_without_days_applies_every_day() {
        // A Tuesday, a Sunday.
        assert_eq!(holds("2026-12-01", 4, 0), Some(false));
        assert_eq!(holds("2026-12-01", 12, 0), Some(true));
        assert_eq!(holds("2026-12-06", 9, 0), Some(true));
    }

    #[test]
    fn a_holiday_is_off_peak_and_a_day_beyond_the_known_holidays_is_unknown() {
        // A Friday, and a Thursday beyond the known holidays.
        assert_eq!(holds("2026-12-25", 9, 0), Some(true));
        assert_eq!(holds("2026-12-31", 9, 0), Some(false));
        assert_eq!(holds("2027-01-07", 9, 0), None);
        assert_eq!(holds("2027-01-07", 12, 0), Some(true));
    }

    #[test]
    fn every_minute_of_a_day_is_read() {
        for hour in 0..24 {
            for minute in 0..60 {
                let text = format!("{hour:02}:{minute:02}");
                let expected = jiff::civil::time(hour, minute, 0, 0);
                assert_eq!(time_of_day(&text), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn other_texts_are_refused_as_hours() {
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
