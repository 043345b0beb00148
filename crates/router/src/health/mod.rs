//! The health of keys, from recent calls. A circuit breaker per key version pauses calls while its
//! provider fails. A cool-down pauses calls with one key version to one model, after the provider
//! throttled it or refused it for want of credit or permission. Working keys have no entry.

mod breaker;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_contract::uid::KeyVersionUid;
use latchkey_providers::ProviderError;

use breaker::Breaker;
pub use breaker::Limits;

/// Why calls with a key are paused.
#[derive(Clone, Debug)]
pub enum Unavailable {
    /// The provider failed several times in a row.
    BreakerOpen {
        /// The time until a trial call.
        wait: Duration,
    },
    /// The key cools down for the model.
    CoolingDown {
        /// The time until the end of the cool-down.
        wait: Duration,
        /// The provider's error that began it.
        error: Box<ProviderError>,
    },
}

impl Unavailable {
    /// The time until a call is admitted again.
    pub fn wait(&self) -> Duration {
        match self {
            Self::BreakerOpen { wait } | Self::CoolingDown { wait, .. } => *wait,
        }
    }
}

/// The breakers and cool-downs of all keys.
pub struct KeyHealth {
    limits: Limits,
    /// Whether there are entries. Without any, a call takes no lock.
    has_entries: AtomicBool,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    breakers: HashMap<KeyVersionUid, Breaker>,
    cool_downs: HashMap<(KeyVersionUid, String), CoolDown>,
}

struct CoolDown {
    /// On the boot clock.
    until: Duration,
    error: Box<ProviderError>,
}

impl Entries {
    fn check_cool_down(
        &self,
        key_version: KeyVersionUid,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        let key = (key_version, model.to_owned());
        match self.cool_downs.get(&key) {
            Some(cool_down) if now < cool_down.until => Err(Unavailable::CoolingDown {
                wait: cool_down.until.saturating_sub(now),
                error: cool_down.error.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Entries of either kind at most. Callers choose the models' names, so their number is unbounded.
const MAX_ENTRIES: usize = 16 * 1024;

impl KeyHealth {
    /// Health without entries.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            has_entries: AtomicBool::new(false),
            entries: Mutex::default(),
        }
    }

    /// Admits a call, or returns why it must wait. After a breaker's pause, the admitted call is the
    /// trial.
    pub fn admit(
        &self,
        key_version: KeyVersionUid,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        if !self.has_entries.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut entries = self.lock();
        entries
            .cool_downs
            .retain(|_, cool_down| now < cool_down.until);
        entries.check_cool_down(key_version, model, now)?;
        match entries.breakers.get_mut(&key_version) {
            None => Ok(()),
            Some(breaker) => breaker
                .admit(now)
                .map_err(|wait| Unavailable::BreakerOpen { wait }),
        }
    }

    /// Whether a call would be admitted, without a change of state.
    pub fn preview(
        &self,
        key_version: KeyVersionUid,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        let entries = self.lock();
        entries.check_cool_down(key_version, model, now)?;
        match entries.breakers.get(&key_version) {
            None => Ok(()),
            Some(breaker) => breaker
                .preview(now)
                .map_err(|wait| Unavailable::BreakerOpen { wait }),
        }
    }

    /// Records that the provider answered a call with this key. A refusal is an answer.
    pub fn answered(&self, key_version: KeyVersionUid) {
        if !self.has_entries.load(Ordering::Acquire) {
            return;
        }
        let mut entries = self.lock();
        entries.breakers.remove(&key_version);
        let has_entries = !entries.breakers.is_empty() || !entries.cool_downs.is_empty();
        self.has_entries.store(has_entries, Ordering::Release);
    }

    /// Records that the provider did not answer, or answered that it is out of order.
    pub fn failed(&self, key_version: KeyVersionUid, now: Duration) {
        let mut entries = self.lock();
        if entries.breakers.len() >= MAX_ENTRIES {
            entries.breakers.clear();
        }
        let breaker = entries.breakers.entry(key_version).or_default();
        breaker.failed(now, self.limits);
        self.has_entries.store(true, Ordering::Release);
    }

    /// Pauses calls with this key to this model until `until` on the boot clock.
    pub fn cool_down(
        &self,
        key_version: KeyVersionUid,
        model: &str,
        until: Duration,
        error: &ProviderError,
    ) {
        let mut entries = self.lock();
        if entries.cool_downs.len() >= MAX_ENTRIES {
            entries.cool_downs.clear();
        }
        let cool_down = CoolDown {
            until,
            error: Box::new(error.clone()),
        };
        entries
            .cool_downs
            .insert((key_version, model.to_owned()), cool_down);
        self.has_entries.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use latchkey_contract::uid::KeyUid;
    use latchkey_providers::ErrorClass;
    use uuid::Uuid;

    use super::*;

    const LIMITS: Limits = Limits {
        failures: 2,
        pause: Duration::from_secs(10),
        longest_pause: Duration::from_secs(10),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn version(version: u64) -> KeyVersionUid {
        let key = KeyUid(Uuid::from_u128(1));
        KeyVersionUid { key, version }
    }

    #[test]
    fn a_breaker_covers_one_key_version_and_closes_on_an_answer() {
        let health = KeyHealth::new(LIMITS);
        for _ in 0..2 {
            health.failed(version(1), at(0));
        }
        let unavailable = health.admit(version(1), "m", at(3)).unwrap_err();
        assert_eq!(unavailable.wait(), at(7));
        assert!(health.admit(version(2), "m", at(3)).is_ok());
        health.answered(version(1));
        assert!(health.admit(version(1), "m", at(3)).is_ok());
    }

    #[test]
    fn a_cool_down_covers_one_model_until_it_ends() {
        let health = KeyHealth::new(LIMITS);
        let error = ProviderError::new(ErrorClass::Throttled, "slow down");
        health.cool_down(version(1), "m", at(30), &error);
        let unavailable = health.admit(version(1), "m", at(29)).unwrap_err();
        assert!(
            matches!(&unavailable, Unavailable::CoolingDown { error, .. } if error.message == "slow down")
        );
        assert_eq!(unavailable.wait(), at(1));
        assert!(health.admit(version(1), "other", at(29)).is_ok());
        assert!(health.admit(version(1), "m", at(30)).is_ok());
    }

    #[test]
    fn the_number_of_cool_downs_is_bounded() {
        let health = KeyHealth::new(LIMITS);
        let error = ProviderError::new(ErrorClass::Throttled, "slow down");
        for number in 0..MAX_ENTRIES + 10 {
            health.cool_down(version(1), &number.to_string(), at(30), &error);
        }
        assert!(health.lock().cool_downs.len() <= MAX_ENTRIES);
    }
}
