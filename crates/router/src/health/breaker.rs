//! A circuit breaker: after some failures in a row nothing is sent for a while, then one call tries
//! whether it works again (M. Nygard, Release It!, 2007). A value: time comes in, nothing is awaited.

use std::time::Duration;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open the first time; twice as long each time that the trial fails.
    pub pause: Duration,
    /// And never longer.
    pub longest_pause: Duration,
}

/// What is known of one place. Times are on the boot clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Breaker {
    failures: u32,
    /// Not before.
    open_until: Duration,
    /// The pause that it is in, or was in last.
    pause: Duration,
}

impl Breaker {
    /// Whether a call may be made now; else how long until one may. Whoever is let through after a
    /// pause is the trial: the others wait for another pause, unless it succeeds before.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        self.preview(now)?;
        if !self.pause.is_zero() {
            self.open_until = now + self.pause;
        }
        Ok(())
    }

    /// The same, of a call that is not made.
    pub(super) fn preview(&self, now: Duration) -> Result<(), Duration> {
        match self.open_until.checked_sub(now) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    /// A call failed, in a way that tells of the place and not of the request.
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
    fn it_opens_after_its_failures_and_says_for_how_long() {
        assert_eq!(open_at_zero().admit(at(4)), Err(at(6)));
    }

    #[test]
    fn after_the_pause_one_call_is_the_trial() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.admit(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(11)), Err(at(9)));
    }

    #[test]
    fn who_only_asks_is_not_the_trial() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.preview(at(4)), Err(at(6)));
        assert_eq!(breaker.preview(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(10)), Ok(()));
    }

    #[test]
    fn a_trial_that_fails_doubles_the_pause_up_to_the_longest() {
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
    fn a_trial_that_never_ends_does_not_block_for_ever() {
        let mut breaker = open_at_zero();
        assert_eq!(breaker.admit(at(10)), Ok(()));
        assert_eq!(breaker.admit(at(20)), Ok(()));
    }
}
