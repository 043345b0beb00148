//! When a key that its provider refused is checked again.

use std::time::Duration;

use latchkey_clock::Timestamp;

use super::key::{Key, KeyState};
use super::version::KeyVersion;

/// How long a refused key is left alone before its provider is asked of it again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecheckInterval(Duration);

const MIN_PERIOD: Duration = Duration::from_secs(1);
const MAX_PERIOD: Duration = Duration::from_mins(1);

impl RecheckInterval {
    /// So many seconds; nothing for 0, which means never.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        (seconds > 0).then_some(Self(Duration::from_secs(seconds)))
    }

    /// How often to look for keys that are due, and so how late a check may be.
    pub fn period(self) -> Duration {
        (self.0 / 10).clamp(MIN_PERIOD, MAX_PERIOD)
    }

    /// What was left alone since then, or for longer, is due at `now`.
    pub fn cutoff(self, now: Timestamp) -> Timestamp {
        now - self.0
    }

    /// Whether a key with that current version is to be checked again. It was set aside with its last
    /// change or before that one; a check since then counts too.
    pub fn is_due(self, key: &Key, version: &KeyVersion, now: Timestamp) -> bool {
        key.state == KeyState::Quarantined
            && !key.expired(now)
            && key.update_time.max(version.verification.time) <= self.cutoff(now)
    }
}

#[cfg(test)]
mod tests;
