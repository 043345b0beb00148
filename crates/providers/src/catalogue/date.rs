//! Days of the calendar, in UTC.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use prost_types::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A day, from midnight to midnight UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date {
    /// Since 1 January 1970, which is 0.
    days: u64,
}

/// A text that is no day since 1970, written `2026-11-26`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a date such as 2026-11-26")]
pub struct DateError;

impl Date {
    fn new(year: i64, month: u8, day: u8) -> Result<Self, DateError> {
        let midnight = Timestamp::date(year, month, day).map_err(|_| DateError)?;
        let seconds = u64::try_from(midnight.seconds).map_err(|_| DateError)?;
        Ok(Self {
            days: seconds / SECONDS_PER_DAY,
        })
    }

    /// Its first moment.
    pub fn start(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.days * SECONDS_PER_DAY)
    }

    /// The day of the week, Monday being 0.
    pub(super) fn weekday(self) -> u64 {
        // 1 January 1970 was a Thursday.
        (self.days + 3) % 7
    }

    /// The day that a time is on, and the minutes since its midnight. None before 1970.
    pub(super) fn of(time: SystemTime) -> Option<(Self, u16)> {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let minute = seconds % SECONDS_PER_DAY / 60;
        let days = seconds / SECONDS_PER_DAY;
        Some((Self { days }, u16::try_from(minute).ok()?))
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let numeric = |part: &str, digits: usize| {
            part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let mut parts = text.splitn(3, '-');
        let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(DateError);
        };
        if !(numeric(year, 4) && numeric(month, 2) && numeric(day, 2)) {
            return Err(DateError);
        }
        let month = month.parse().map_err(|_| DateError)?;
        let day = day.parse().map_err(|_| DateError)?;
        Self::new(year.parse().map_err(|_| DateError)?, month, day)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = toml::value::Datetime::deserialize(deserializer)?;
        match (written.date, written.time) {
            (Some(date), None) => {
                Self::new(date.year.into(), date.month, date.day).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom(DateError)),
        }
    }
}

const SECONDS_PER_DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_its_day_of_the_week() {
        let weekday = |text: &str| text.parse::<Date>().unwrap().weekday();
        assert_eq!(weekday("1970-01-01"), 3);
        assert_eq!(weekday("2026-11-26"), 3);
        assert_eq!(weekday("2026-11-29"), 6);
        assert_eq!(weekday("2026-11-30"), 0);
        assert_eq!(weekday("2028-02-29"), 1);
    }

    #[test]
    fn a_date_lasts_from_midnight_to_midnight() {
        let date: Date = "2026-11-26".parse().unwrap();
        let minutes = |count: u64| date.start() + Duration::from_mins(count);
        assert_eq!(Date::of(minutes(0)), Some((date, 0)));
        assert_eq!(Date::of(minutes(1_439)), Some((date, 1_439)));
        let next = "2026-11-27".parse().unwrap();
        assert_eq!(Date::of(minutes(1_440)), Some((next, 0)));
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Date::of(before), None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2027-02-29",
            "26-11-26",
            "2026-11-26T00",
            "+026-11-26",
            "1969-12-31",
            "2026/11/26",
        ] {
            assert_eq!(text.parse::<Date>(), Err(DateError), "{text}");
        }
    }
}
