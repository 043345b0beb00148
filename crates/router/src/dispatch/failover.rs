//! Failover as a value: which key and which model come next after each event. No I/O; the time is an
//! argument. `perform.rs` executes the steps for a call, `dry_run.rs` simulates them for Explain, so
//! the rules exist once.
//!
//! A throttled or refused key is followed by the next one. A failure that may pass is retried with the
//! same key after a pause. After the last key of a model, the next model of the plan follows. The payer
//! is part of the state: see [`PayerState`]. A key that the request names is never replaced.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyName;
use tokio::time::Instant;

use super::AttemptsConfig;
use super::failure::{self, Remedy};
use super::payer_state::PayerState;
use super::request::Fallbacks;
use super::tried_keys::TriedKeys;
use crate::domain::attempt::Payer;
use crate::domain::model_target::ModelTarget;
use crate::error::RouterError;

/// The state of one request.
pub(super) struct Failover {
    config: AttemptsConfig,
    deadline: Option<Instant>,
    target: ModelTarget,
    is_fallback: bool,
    /// The models that follow.
    next_targets: VecDeque<ModelTarget>,
    /// The workspace's own fallbacks, as far as they are known; none where they don't apply.
    workspace_fallbacks: Option<Vec<ModelTarget>>,
    /// The provider that the request was made for. Where it names none, the first key determines it.
    first_choice: Option<ProviderId>,
    payer_state: PayerState,
    /// Calls so far, over all models.
    attempts: usize,
    /// The failure to return if nothing else succeeds.
    failure: Option<Arc<RouterError>>,
    current: TargetState,
}

/// The state of one model.
#[derive(Default)]
struct TargetState {
    keys: TriedKeys,
    key: Option<CurrentKey>,
    /// The pauses between retries with the key, once there is one.
    pauses: Option<ExponentialBackoff>,
    /// The last failure, in case no other key can be leased.
    last: Option<RouterError>,
    calls: usize,
    calls_with_key: usize,
    waits: usize,
    was_withdrawn: bool,
    /// The payer of a key that was skipped although it had not failed.
    kept_to: Option<Payer>,
    resume: Resume,
}

/// What follows a pause.
#[derive(Clone, Copy, Default)]
enum Resume {
    #[default]
    SameKey,
    ThrottledKeys,
}

#[derive(Clone, Copy)]
struct CurrentKey {
    provider: ProviderId,
    payer: Payer,
    platform_fallback_allowed: bool,
}

/// A key that was leased, as far as failover depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeasedKey<'a> {
    pub(super) name: &'a KeyName,
    pub(super) provider: ProviderId,
    pub(super) payer: Payer,
    pub(super) platform_fallback_allowed: bool,
    /// Usable keys that the vault did not choose.
    pub(super) others: &'a [KeyName],
}

/// What happened.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// The target was entered.
    Entered,
    /// A key was leased.
    Leased(LeasedKey<'a>),
    /// No key could be leased.
    NoKey(RouterError),
    /// A call with the key may cost more than the request allows.
    TooExpensive(RouterError),
    /// The key is cooling down, or its breaker is open.
    Unavailable(RouterError),
    /// The key may be used.
    Admitted,
    /// The call failed.
    Failed {
        /// Why.
        error: RouterError,
        /// Calls so far, over all models.
        attempts: usize,
    },
    /// The pause is over.
    Resumed,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    /// Lease a key for the target.
    Lease {
        /// Whether the key in use is to be used again if it still can be.
        same: bool,
    },
    /// Check the cost of a call with the key, then whether the key is available.
    Check,
    /// Call the provider.
    Call,
    /// Wait.
    Pause(Duration),
    /// Enter the next target.
    NextTarget {
        /// Why the target ended.
        ended_by: Arc<RouterError>,
    },
    /// Give up.
    Fail {
        /// Why the target ended.
        ended_by: Arc<RouterError>,
        /// The error to return, which may be that of an earlier target.
        error: Arc<RouterError>,
    },
}

impl Failover {
    /// The state before the first step, which is to enter the target.
    pub(super) fn new(
        target: ModelTarget,
        fallbacks: Fallbacks,
        config: AttemptsConfig,
        deadline: Option<Instant>,
    ) -> Self {
        let (next_targets, workspace_fallbacks) = match fallbacks {
            Fallbacks::Given(targets) => (targets.into(), None),
            Fallbacks::OfTheWorkspace => (VecDeque::new(), Some(Vec::new())),
        };
        Self {
            config,
            deadline,
            first_choice: target.provider,
            target,
            is_fallback: false,
            next_targets,
            workspace_fallbacks,
            payer_state: PayerState::default(),
            attempts: 0,
            failure: None,
            current: TargetState::default(),
        }
    }

    /// The model that is tried.
    pub(super) fn target(&self) -> &ModelTarget {
        &self.target
    }

    /// Whether it is a fallback.
    pub(super) fn is_fallback(&self) -> bool {
        self.is_fallback
    }

    /// The keys to skip, sorted.
    pub(super) fn excluded(&self) -> &[KeyName] {
        self.current.keys.excluded()
    }

    /// Who may pay for the next call to the target.
    pub(super) fn payer_state(&self) -> PayerState {
        self.payer_state.kept_to(self.current.kept_to)
    }

    /// Whether the request was made for a provider, and not a fallback to it.
    pub(super) fn is_first_choice(&self, provider: ProviderId) -> bool {
        self.first_choice == Some(provider)
    }

    /// Records the workspace's own fallbacks, if they apply and are not known yet.
    pub(super) fn learn_workspace_fallbacks(&mut self, fallbacks: &[ModelTarget]) {
        if let Some(known) = &mut self.workspace_fallbacks
            && known.is_empty()
        {
            known.extend_from_slice(fallbacks);
        }
    }

    /// The step that follows an event.
    pub(super) fn next(&mut self, event: Event<'_>, now: Instant) -> Step {
        match event {
            Event::Entered => self.enter(),
            Event::Leased(key) => self.lease(key),
            Event::NoKey(error) => {
                let last = self.current.last.take();
                self.end_target(last.unwrap_or(error), now)
            }
            Event::TooExpensive(error) => self.skip_expensive_key(error, now),
            Event::Unavailable(error) => {
                let Some(key) = self.use_key() else {
                    return self.end_target(error, now);
                };
                self.payer_state
                    .fail_key(key.payer, key.platform_fallback_allowed);
                self.after_failure(error, None, now)
            }
            Event::Admitted => {
                self.use_key();
                self.current.calls += 1;
                self.current.calls_with_key += 1;
                Step::Call
            }
            Event::Failed { error, attempts } => {
                self.attempts = attempts;
                self.call_failed(error, now)
            }
            Event::Resumed => match self.current.resume {
                Resume::SameKey => Step::Lease { same: true },
                Resume::ThrottledKeys => {
                    self.current.keys.readmit(now);
                    Step::Lease { same: false }
                }
            },
        }
    }

    /// Enters the target: the first one, or the next one after a target ended.
    fn enter(&mut self) -> Step {
        if self.failure.is_some()
            && let Some(target) = self.next_targets.pop_front()
        {
            self.target = target;
            self.is_fallback = true;
            self.current = TargetState::default();
        }
        Step::Lease { same: false }
    }

    fn lease(&mut self, key: LeasedKey<'_>) -> Step {
        let current = &mut self.current;
        if current.keys.use_key(key.name, key.others) {
            current.pauses = None;
            current.calls_with_key = 0;
        }
        current.key = Some(CurrentKey {
            provider: key.provider,
            payer: key.payer,
            platform_fallback_allowed: key.platform_fallback_allowed,
        });
        if !self.is_fallback {
            self.first_choice.get_or_insert(key.provider);
        }
        Step::Check
    }

    /// Records that the current key is used; its payer is known from now on.
    fn use_key(&mut self) -> Option<CurrentKey> {
        let key = self.current.key?;
        self.payer_state.use_key(key.payer);
        self.current.keys.stay_with(key.payer);
        Some(key)
    }

    /// The key has not failed, so its payer stays for this model.
    fn skip_expensive_key(&mut self, error: RouterError, now: Instant) -> Step {
        let current = &mut self.current;
        current.kept_to = current.key.map(|key| key.payer);
        let error = current.last.take().unwrap_or(error);
        // Another key may come with a cheaper model.
        if self.target.model_depends_on_the_key() && current.keys.skip_current() {
            current.last = Some(error);
            return Step::Lease { same: false };
        }
        self.end_target(error, now)
    }

    fn call_failed(&mut self, error: RouterError, now: Instant) -> Step {
        let current = &mut self.current;
        // The lease was withdrawn on the way to the call. Another one is requested once, so that no
        // caller sees a race.
        if matches!(error, RouterError::VaultUnavailable) && !current.was_withdrawn {
            current.was_withdrawn = true;
            return Step::Lease { same: true };
        }
        let Some(key) = current.key else {
            return self.end_target(error, now);
        };
        let remedy = self.judge(key, &error);
        if matches!(remedy, Remedy::None | Remedy::AnotherModel)
            || self.current.calls >= self.config.per_model
            || self.is_spent(now)
        {
            return self.end_target(error, now);
        }
        let current = &mut self.current;
        let retry = remedy == Remedy::Retry && current.calls_with_key < self.config.per_key;
        let pause = retry.then(|| {
            let pauses = current.pauses.get_or_insert_with(|| self.config.pauses());
            let backoff = pauses.next().unwrap_or(self.config.longest_pause);
            backoff.max(error.retry_after().unwrap_or_default())
        });
        let affordable = pause.filter(|pause| self.has_time_for(*pause, now));
        self.after_failure(error, affordable, now)
    }

    /// What may help after a failed call, and who pays for the target from now on.
    fn judge(&mut self, key: CurrentKey, error: &RouterError) -> Remedy {
        let remedy = failure::remedy(error);
        if failure::is_of_the_request(error) {
            self.current.kept_to = self.current.kept_to.or(Some(key.payer));
            // The request is not at fault: it was made for another provider.
            let elsewhere = self.target.is_open() && !self.is_first_choice(key.provider);
            return match error {
                RouterError::Encode(_) if elsewhere => Remedy::AnotherKey,
                _ => remedy,
            };
        }
        if remedy != Remedy::None {
            self.payer_state
                .fail_key(key.payer, key.platform_fallback_allowed);
        }
        remedy
    }

    /// The same key after a pause, another key, a throttled key once it is free, or the end.
    fn after_failure(&mut self, error: RouterError, pause: Option<Duration>, now: Instant) -> Step {
        let current = &mut self.current;
        // Only throttling clears fast enough to be worth waiting for.
        if failure::is_throttled(&error) {
            let wait = error.retry_after().unwrap_or(self.config.throttled_pause);
            current.keys.throttle_current(now + wait);
        }
        let step = if let Some(pause) = pause {
            current.resume = Resume::SameKey;
            Step::Pause(pause)
        } else if self.target.key.is_none() && current.keys.skip_current() {
            Step::Lease { same: false }
        } else {
            // Other keys may be throttled again and again meanwhile, so the waits are counted.
            let waits_left = current.waits < self.config.per_model;
            let first_free = current.keys.first_free(now).filter(|_| waits_left);
            let Some(wait) = first_free.filter(|wait| self.has_time_for(*wait, now)) else {
                let is_encode = matches!(error, RouterError::Encode(_));
                let earlier = self.current.last.take().filter(|_| is_encode);
                return self.end_target(earlier.unwrap_or(error), now);
            };
            let current = &mut self.current;
            current.waits += 1;
            current.resume = Resume::ThrottledKeys;
            Step::Pause(wait)
        };
        self.current.last = Some(error);
        step
    }

    /// Ends the target with an error, and goes on to the next one if that may help.
    fn end_target(&mut self, error: RouterError, now: Instant) -> Step {
        // A fallback that can't be called at all does not stop the fallbacks after it.
        let goes_on = match (failure::remedy(&error), &self.failure) {
            (Remedy::None, Some(_)) => {
                matches!(error, RouterError::Encode(_) | RouterError::Refused(_))
            }
            (Remedy::None, None) => false,
            _ => true,
        };
        if let Some(known) = self.workspace_fallbacks.take() {
            self.next_targets.extend(match &error {
                RouterError::Refused(refusal) => refusal.fallbacks.clone(),
                _ => known,
            });
        }
        let ended_by = Arc::new(error);
        // A provider's error is more useful to the caller than the lack of a key for a fallback.
        let error = match self.failure.take() {
            Some(earlier) if !failure::is_of_a_call(&ended_by) => earlier,
            _ => Arc::clone(&ended_by),
        };
        if !goes_on || self.is_spent(now) || self.next_targets.is_empty() {
            return Step::Fail { ended_by, error };
        }
        self.failure = Some(error);
        Step::NextTarget { ended_by }
    }

    /// Whether no further call may be made.
    fn is_spent(&self, now: Instant) -> bool {
        self.attempts >= self.config.most || self.deadline.is_some_and(|deadline| now >= deadline)
    }

    fn has_time_for(&self, pause: Duration, now: Instant) -> bool {
        let in_time = |deadline: Instant| now + pause < deadline;
        pause <= self.config.longest_wait && self.deadline.is_none_or(in_time)
    }
}

#[cfg(test)]
mod tests;
