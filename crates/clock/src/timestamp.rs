//! A point in time that databases, protobuf and arithmetic agree on.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime};

/// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted; what PostgreSQL can store.
///
/// `+` and `-` with a [`Duration`] stop at [`Timestamp::MIN`] and [`Timestamp::MAX`], some 292,000
/// years away, and drop fractions of a microsecond. The `checked_` methods return `None` when a
/// result does not fit.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);
    /// The earliest time.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest time.
    pub const MAX: Self = Self(i64::MAX);

    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// From seconds since the Unix epoch and the nanoseconds after them, as
    /// `google.protobuf.Timestamp` counts: before the epoch too, nanoseconds count forwards.
    ///
    /// `None` when the nanoseconds make a second or more, or the result does not fit. Fractions of
    /// a microsecond are dropped.
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        if nanos >= NANOS_PER_SECOND {
            return None;
        }
        let micros = i128::from(seconds) * i128::from(MICROS_PER_SECOND) + i128::from(nanos / 1000);
        i64::try_from(micros).ok().map(Self)
    }

    /// Seconds since the Unix epoch, and nanoseconds after them, 0 to 999,999,999.
    pub fn to_unix(self) -> (i64, u32) {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let nanos = u32::try_from(micros * 1000).expect("a remainder of 1,000,000 times 1000 fits");
        (seconds, nanos)
    }

    /// The time `span` later, if it fits.
    pub fn checked_add(self, span: Duration) -> Option<Self> {
        let span = i64::try_from(span.as_micros()).ok()?;
        self.0.checked_add(span).map(Self)
    }

    /// The time `span` earlier, if it fits.
    pub fn checked_sub(self, span: Duration) -> Option<Self> {
        let span = i64::try_from(span.as_micros()).ok()?;
        self.0.checked_sub(span).map(Self)
    }

    /// How long after `earlier` this is; `None` when it is before.
    pub fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        let micros = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(micros).ok().map(Duration::from_micros)
    }

    /// How long after `earlier` this is; zero when it is before.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_SECOND: u32 = 1_000_000_000;

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.checked_add(span).unwrap_or(Self::MAX)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.checked_sub(span).unwrap_or(Self::MIN)
    }
}

/// The same moment; the Unix epoch for every moment before it.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let micros = u64::try_from(time.as_micros()).unwrap_or_default();
        Self::UNIX_EPOCH + Duration::from_micros(micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_nanoseconds_convert_back_to_the_same_timestamp() {
        for micros in [0, 1, -1, 999_999, -999_999, 1_000_000, i64::MAX, i64::MIN] {
            let time = Timestamp::from_micros(micros);
            let (seconds, nanos) = time.to_unix();
            assert_eq!(Timestamp::from_unix(seconds, nanos), Some(time));
        }
    }

    #[test]
    fn nanoseconds_before_the_epoch_count_forwards() {
        assert_eq!(Timestamp::from_micros(-1).to_unix(), (-1, 999_999_000));
    }

    #[test]
    fn fractions_of_a_microsecond_are_dropped() {
        let time = Timestamp::from_unix(1, 1_999).unwrap();
        assert_eq!(time.as_micros(), 1_000_001);
        assert_eq!(time + Duration::from_nanos(999), time);
    }

    #[test]
    fn a_time_out_of_range_is_refused() {
        assert_eq!(Timestamp::from_unix(0, 1_000_000_000), None);
        assert_eq!(Timestamp::from_unix(i64::MAX, 0), None);
        assert_eq!(Timestamp::from_unix(i64::MIN, 0), None);
        assert_eq!(Timestamp::MAX.checked_add(Duration::from_micros(1)), None);
        assert_eq!(Timestamp::MIN.checked_sub(Duration::from_micros(1)), None);
        assert_eq!(Timestamp::UNIX_EPOCH.checked_add(Duration::MAX), None);
    }

    #[test]
    fn operators_saturate_at_the_earliest_and_the_latest_time() {
        assert_eq!(Timestamp::UNIX_EPOCH + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::UNIX_EPOCH - Duration::MAX, Timestamp::MIN);
    }

    #[test]
    fn a_negative_span_is_none_or_zero() {
        let (early, late) = (Timestamp::from_micros(5), Timestamp::from_micros(7));
        assert_eq!(
            late.checked_duration_since(early),
            Some(Duration::from_micros(2))
        );
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(early.saturating_duration_since(late), Duration::ZERO);
        assert_eq!(
            Timestamp::MAX.checked_duration_since(Timestamp::MIN),
            Some(Duration::from_micros(u64::MAX))
        );
    }
}
