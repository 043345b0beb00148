//! A clock that moves only by hand; for tests.
//!
//! Public because the tests of other crates use it; no service may.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Clock, Timestamp};

/// Both clocks of a machine, moved by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<Hands>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now: Timestamp,
    boottime: Duration,
}

impl ManualClock {
    /// A machine that started an hour ago, with its calendar at `now`.
    pub fn new(now: Timestamp) -> Self {
        let boottime = Duration::from_hours(1);
        Self(Mutex::new(Hands { now, boottime }))
    }

    /// Lets time pass: both clocks move by `span`.
    pub fn advance(&self, span: Duration) {
        let mut hands = self.hands();
        hands.now = hands.now + span;
        hands.boottime += span;
    }

    /// Steps the calendar, as NTP or an operator does; the boot time is unchanged.
    pub fn set(&self, now: Timestamp) {
        self.hands().now = now;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        // No update can panic midway, so the value behind a poisoned lock is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn boottime(&self) -> Duration {
        self.hands().boottime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_moves_both_clocks() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let start = clock.boottime();
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), Timestamp::from_micros(2_000_000));
        assert_eq!(clock.boottime(), start + Duration::from_secs(2));
    }

    #[test]
    fn stepping_the_calendar_does_not_change_the_boot_time() {
        let clock = ManualClock::new(Timestamp::from_micros(9));
        let start = clock.boottime();
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        assert_eq!(clock.boottime(), start);
    }
}
