//! What recent calls tell of a key: whether its provider answers at all (a circuit breaker), and
//! whether a model is out of reach with it for a while (set cool_downs: throttled, without credit, without
//! the right). Kept by key version, and so by host and provider; nothing is kept of keys that work.

mod breaker;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_contract::names::KeyVersionName;
use latchkey_providers::ProviderError;

use breaker::Breaker;
pub use breaker::Limits;

/// Why no call is made with a key now.
#[derive(Clone, Debug)]
pub enum Unavailable {
    /// Its provider failed several times in a row.
    BreakerOpen {
        /// Until a trial is made.
        wait: Duration,
    },
    /// It is set cool_downs for the model.
    CoolingDown {
        /// Until it is tried again.
        wait: Duration,
        /// What the provider said.
        error: Box<ProviderError>,
    },
}

impl Unavailable {
    /// How long it lasts.
    pub fn wait(&self) -> Duration {
        match self {
            Self::BreakerOpen { wait } | Self::CoolingDown { wait, .. } => *wait,
        }
    }
}

/// What is known of keys.
pub struct KeyHealth {
    limits: Limits,
    /// Whether anything is known at all, for the path of every call.
    troubled: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    breakers: HashMap<KeyVersionName, Breaker>,
    cool_downs: HashMap<(KeyVersionName, String), CoolDown>,
}

struct CoolDown {
    until: Duration,
    error: Box<ProviderError>,
}

impl Known {
    fn is_cooling_down(
        &self,
        key_version: &KeyVersionName,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        let place = (key_version.clone(), model.to_owned());
        match self.cool_downs.get(&place) {
            Some(cool_downs) if now < cool_downs.until => Err(Unavailable::CoolingDown {
                wait: cool_downs.until.saturating_sub(now),
                error: cool_downs.error.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Entries of either kind at most. Callers write models, so there is no end of them.
const MAX_ENTRIES: usize = 16 * 1024;

impl KeyHealth {
    /// Nothing known yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            troubled: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    /// Whether a call may be made now.
    pub fn admit(
        &self,
        key_version: &KeyVersionName,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        if !self.troubled.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut known = self.lock();
        known
            .cool_downs
            .retain(|_, cool_downs| now < cool_downs.until);
        known.is_cooling_down(key_version, model, now)?;
        match known.breakers.get_mut(key_version) {
            None => Ok(()),
            Some(breaker) => breaker
                .admit(now)
                .map_err(|wait| Unavailable::BreakerOpen { wait }),
        }
    }

    /// The same, of a call that is not made: nothing changes by it.
    pub fn preview(
        &self,
        key_version: &KeyVersionName,
        model: &str,
        now: Duration,
    ) -> Result<(), Unavailable> {
        let known = self.lock();
        known.is_cooling_down(key_version, model, now)?;
        match known.breakers.get(key_version) {
            None => Ok(()),
            Some(breaker) => breaker
                .preview(now)
                .map_err(|wait| Unavailable::BreakerOpen { wait }),
        }
    }

    /// The provider answered a call with this key, if only to refuse it.
    pub fn answered(&self, key_version: &KeyVersionName) {
        if !self.troubled.load(Ordering::Acquire) {
            return;
        }
        let mut known = self.lock();
        known.breakers.remove(key_version);
        let troubled = !known.breakers.is_empty() || !known.cool_downs.is_empty();
        self.troubled.store(troubled, Ordering::Release);
    }

    /// The provider did not answer, or is broken.
    pub fn failed(&self, key_version: &KeyVersionName, now: Duration) {
        let mut known = self.lock();
        if known.breakers.len() >= MAX_ENTRIES {
            known.breakers.clear();
        }
        let breaker = known.breakers.entry(key_version.clone()).or_default();
        breaker.failed(now, self.limits);
        self.troubled.store(true, Ordering::Release);
    }

    /// The model is out of reach with this key until then.
    pub fn cool_down(
        &self,
        key_version: &KeyVersionName,
        model: &str,
        until: Duration,
        error: &ProviderError,
    ) {
        let mut known = self.lock();
        if known.cool_downs.len() >= MAX_ENTRIES {
            known.cool_downs.clear();
        }
        let cool_downs = CoolDown {
            until,
            error: Box::new(error.clone()),
        };
        known
            .cool_downs
            .insert((key_version.clone(), model.to_owned()), cool_downs);
        self.troubled.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use latchkey_providers::ErrorClass;

    use super::*;

    const LIMITS: Limits = Limits {
        failures: 2,
        pause: Duration::from_secs(10),
        longest_pause: Duration::from_secs(10),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn version(number: u64) -> KeyVersionName {
        let name = format!("workspaces/acme/keys/main/versions/{number}");
        name.parse().unwrap()
    }

    #[test]
    fn a_breaker_is_one_versions_alone_and_ends_with_an_answer() {
        let health = KeyHealth::new(LIMITS);
        for _ in 0..2 {
            health.failed(&version(1), at(0));
        }
        let unavailable = health.admit(&version(1), "m", at(3)).unwrap_err();
        assert_eq!(unavailable.wait(), at(7));
        assert!(health.admit(&version(2), "m", at(3)).is_ok());
        health.answered(&version(1));
        assert!(health.admit(&version(1), "m", at(3)).is_ok());
    }

    #[test]
    fn a_key_is_set_aside_for_one_model_and_a_time() {
        let health = KeyHealth::new(LIMITS);
        let error = ProviderError::new(ErrorClass::Throttled, "slow down");
        health.cool_down(&version(1), "m", at(30), &error);
        let unavailable = health.admit(&version(1), "m", at(29)).unwrap_err();
        assert!(
            matches!(&unavailable, Unavailable::CoolingDown { error, .. } if error.message == "slow down")
        );
        assert_eq!(unavailable.wait(), at(1));
        assert!(health.admit(&version(1), "other", at(29)).is_ok());
        assert!(health.admit(&version(1), "m", at(30)).is_ok());
    }

    #[test]
    fn names_without_end_do_not_fill_the_memory() {
        let health = KeyHealth::new(LIMITS);
        let error = ProviderError::new(ErrorClass::Throttled, "slow down");
        for number in 0..MAX_ENTRIES + 10 {
            health.cool_down(&version(1), &number.to_string(), at(30), &error);
        }
        assert!(health.lock().cool_downs.len() <= MAX_ENTRIES);
    }
}
