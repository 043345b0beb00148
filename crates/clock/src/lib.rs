//! Time as an argument: the calendar's time, and the time since the machine started.
//!
//! Rules about time take a [`Clock`] or a [`Timestamp`], so that their tests need not wait. A time
//! that crosses a process (in a row, a message, a deadline) is a [`Timestamp`]. A span that one
//! process measures, such as the age of a lease, is a difference of two [`Clock::boottime`]s.
//!
//! ```
//! use std::time::Duration;
//!
//! use latchkey_clock::{Clock, ManualClock, Timestamp};
//!
//! fn has_expired(deadline: Timestamp, clock: &dyn Clock) -> bool {
//!     clock.now() >= deadline
//! }
//!
//! let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
//! let deadline = clock.now() + Duration::from_secs(30);
//! assert!(!has_expired(deadline, &clock));
//! clock.advance(Duration::from_secs(30));
//! assert!(has_expired(deadline, &clock));
//! ```

pub mod manual;
mod timestamp;

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

pub use manual::ManualClock;
pub use timestamp::Timestamp;

/// A source of time.
pub trait Clock: Send + Sync {
    /// The calendar's time (`CLOCK_REALTIME`): may be stepped, forwards or backwards.
    fn now(&self) -> Timestamp;

    /// The time since the machine started, suspension included: never goes backwards.
    ///
    /// `std::time::Instant` stands still while a machine sleeps (rust-lang/rust#87906), and a
    /// lease held through a night's sleep would look fresh in the morning.
    fn boottime(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = clock_gettime(ClockId::Realtime);
        // Out of range only for a clock set beyond the year 294,000.
        Timestamp::from_unix(now.tv_sec, nanos(now)).unwrap_or(Timestamp::MAX)
    }

    fn boottime(&self) -> Duration {
        let up = clock_gettime(UPTIME);
        Duration::new(u64::try_from(up.tv_sec).unwrap_or(0), nanos(up))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const UPTIME: ClockId = ClockId::Boottime;

/// Elsewhere, macOS among them, the monotonic clock counts suspension by itself.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const UPTIME: ClockId = ClockId::Monotonic;

/// POSIX keeps `tv_nsec` within one second.
fn nanos(time: Timespec) -> u32 {
    u32::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boottime_never_goes_backwards() {
        let first = SystemClock.boottime();
        let second = SystemClock.boottime();
        assert!(second >= first);
        assert!(first > Duration::ZERO);
    }

    #[test]
    fn the_calendar_is_later_than_october_2025() {
        let written = Timestamp::from_unix(1_760_000_000, 0).unwrap();
        assert!(SystemClock.now() > written);
    }
}
