//! The interval between two checks of a refused key.

use std::time::Duration;

use latchkey_clock::Timestamp;

use super::key::{Key, KeyState};
use super::version::KeyVersion;

/// The time between a refusal, a change or a check of a refused key and its next check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecheckInterval(Duration);

const MIN_PERIOD: Duration = Duration::from_secs(1);
const MAX_PERIOD: Duration = Duration::from_mins(1);

impl RecheckInterval {
    /// The interval of so many seconds; `None` for 0, which means never.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        (seconds > 0).then_some(Self(Duration::from_secs(seconds)))
    }

    /// The time between two rounds, and so the delay of a check at most.
    pub fn period(self) -> Duration {
        (self.0 / 10).clamp(MIN_PERIOD, MAX_PERIOD)
    }

    /// A key that was not changed or checked after this time is due at `now`.
    pub fn cutoff(self, now: Timestamp) -> Timestamp {
        now - self.0
    }

    /// Whether a key with that current version is due. Its quarantine began with its last change or
    /// earlier; a check since then counts too.
    pub fn is_due(self, key: &Key, version: &KeyVersion, now: Timestamp) -> bool {
        key.state == KeyState::Quarantined
            && !key.expired(now)
            && key.update_time.max(version.verification.time) <= self.cutoff(now)
    }
}

#[cfg(test)]
mod tests;
