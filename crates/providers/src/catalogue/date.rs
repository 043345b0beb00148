//! Calendar days in UTC.

use std::str::FromStr;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::{self, Time, Weekday};
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::value::Datetime;

/// A day since 1970, from midnight to midnight UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date(civil::Date);

/// A text that is not a day since 1970, written `2026-11-26`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a date such as 2026-11-26")]
pub struct DateError;

impl Date {
    /// The first moment of the day.
    pub fn start(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.duration_since(EPOCH).unsigned_abs()
    }

    pub(super) fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// Splits a time into its day and its time of day. None before 1970.
    pub(super) fn of(time: SystemTime) -> Option<(Self, Time)> {
        let timestamp = Timestamp::try_from(time).ok()?;
        let datetime = TimeZone::UTC.to_datetime(timestamp);
        let date = datetime.date();
        (date >= EPOCH).then(|| (Self(date), datetime.time()))
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let written: Datetime = text.parse().map_err(|_| DateError)?;
        written.try_into()
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Datetime::deserialize(deserializer)?;
        written.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<Datetime> for Date {
    type Error = DateError;

    fn try_from(written: Datetime) -> Result<Self, DateError> {
        let (Some(date), None) = (written.date, written.time) else {
            return Err(DateError);
        };
        let number = |part: u8| i8::try_from(part).map_err(|_| DateError);
        let year = i16::try_from(date.year).map_err(|_| DateError)?;
        let date = civil::Date::new(year, number(date.month)?, number(date.day)?)
            .map_err(|_| DateError)?;
        if date < EPOCH {
            return Err(DateError);
        }
        Ok(Self(date))
    }
}

const EPOCH: civil::Date = civil::date(1970, 1, 1);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_has_the_right_weekday() {
        let weekday = |text: &str| text.parse::<Date>().unwrap().weekday();
        assert_eq!(weekday("1970-01-01"), Weekday::Thursday);
        assert_eq!(weekday("2026-11-26"), Weekday::Thursday);
        assert_eq!(weekday("2026-11-29"), Weekday::Sunday);
        assert_eq!(weekday("2026-11-30"), Weekday::Monday);
        assert_eq!(weekday("2028-02-29"), Weekday::Tuesday);
    }

    #[test]
    fn a_date_lasts_from_midnight_to_midnight() {
        let date: Date = "2026-11-26".parse().unwrap();
        let minutes = |count: u64| date.start() + Duration::from_mins(count);
        let time = |hour, minute| civil::time(hour, minute, 0, 0);
        assert_eq!(Date::of(minutes(0)), Some((date, time(0, 0))));
        assert_eq!(Date::of(minutes(1_439)), Some((date, time(23, 59))));
        let next = "2026-11-27".parse().unwrap();
        assert_eq!(Date::of(minutes(1_440)), Some((next, time(0, 0))));
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Date::of(before), None);
    }

    #[test]
    fn the_last_day_of_four_digit_years_has_a_start() {
        let date: Date = "9999-12-31".parse().unwrap();
        let since_1970 = date.start().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(since_1970, Duration::from_hours(2_932_896 * 24));
    }

    #[test]
    fn other_texts_are_refused_as_a_date() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2027-02-29",
            "26-11-26",
            "2026-11-26T00",
            "2026-11-26T00:00:00Z",
            "2026-11-26 ",
            " 2026-11-26",
            "+026-11-26",
            "1969-12-31",
            "2026/11/26",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
    }
}
