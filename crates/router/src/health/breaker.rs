//! A circuit breaker (M. Nygard, Release It!, 2007). Consecutive failures open it for a pause; after
//! the pause one trial call is admitted. It is a plain value: times are arguments, nothing is awaited.

use std::time::Duration;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Consecutive failures that open the breaker.
    pub failures: u32,
    /// The first pause. Each failed trial doubles it.
    pub pause: Duration,
    /// The maximum of the pause.
    pub longest_pause: Duration,
}

/// The breaker of one key version. Times are on the boot clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Breaker {
    failures: u32,
    /// No call is admitted before this time.
    open_until: Duration,
    /// The current or last pause; zero before the first one.
    pause: Duration,
}

impl Breaker {
    /// Admits a call, or returns the time until one is admitted. After a pause, the first admitted
    /// call is the trial. Other calls wait for another pause, unless the trial succeeds before.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        self.preview(now)?;
        if !self.pause.is_zero() {
            self.open_until = now + self.pause;
        }
        Ok(())
    }

    /// Whether a call would be admitted, without a change of state.
    pub(super) fn preview(&self, now: Duration) -> Result<(), Duration> {
        match self.open_until.checked_sub(now) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    /// Records a failure of the provider. Failures of the request itself don't count.
    pub(super) fn failed(&mut self, now: Duration, limits: Limits) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= limits.failures {
            self.pause = match self.pause {
                Duration::ZERO => limits.pause,
                last => (last * 2).min(limits.longest_pause),
            };
            self.open_until = now + self.pause;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        failures: 3,
        pause: Duration::from_secs(10),
        longest_pause: Duration::from_secs(25),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn open_at_zero() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..LIMITS.failures {
            assert_eq!(breaker.admit(at(0)), Ok(()));
            breaker.failed(at(0), LIMITS);
        }
        breaker
    }

    #[test]
    fn consecutive_failures_open_it_for_the_first_pause() {
        assert_eq!(open_at_zero().admit(at(4)), Err(at(6)));
    }

    #[test]
    fn after_the_pause_one_trial_call_is_admitted() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.admit(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(11)), Err(at(9)));
    }

    #[test]
    fn a_preview_does_not_take_the_trial() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.preview(at(4)), Err(at(6)));
        assert_eq!(breaker.preview(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(10)), Ok(()));
    }

    #[test]
    fn a_failed_trial_doubles_the_pause_up_to_the_maximum() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.admit(at(10)), Ok(()));
        breaker.failed(at(10), LIMITS);
        assert_eq!(breaker.admit(at(29)), Err(at(1)));
        assert_eq!(breaker.admit(at(30)), Ok(()));
        breaker.failed(at(30), LIMITS);
        assert_eq!(breaker.admit(at(54)), Err(at(1)));
        assert_eq!(breaker.admit(at(55)), Ok(()));
    }

    #[test]
    fn a_trial_without_an_outcome_is_followed_by_another() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.admit(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(20)), Ok(()));
    }
}
