//! Trying: one request, as many calls as its budget allows. A key that is throttled or refused makes
//! way for the next; what may pass is tried again after a pause; when no key of a model is left, the
//! next model of the plan is asked.
//!
//! Who pays: what the platform has start to pay for, it pays to the end. A request that began with its
//! owner's key goes on with the owner's others; to the platform's it moves where the vault allows that
//! after a failure, and never back. A key that the request names makes way for none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::KeyName;
use latchkey_providers::ErrorClass;
use tokio::time::Instant;

use super::candidates::Candidates;
use super::estimate::{Offer, check_cost};
use super::failure::{self, Next};
use super::operation::Operation;
use super::plan::{self, ModelTarget};
use super::request::{DispatchRequest, PayerState};
use super::{Dispatcher, in_time};
use crate::domain::attempt::{Attempt, Payer};
use crate::error::RouterError;
use crate::keys::{InUse, Lease, system_time};

impl Dispatcher {
    /// Tries until there is an answer, or nothing is left to try. The attempts are those that failed
    /// before.
    pub(super) async fn try_all<O: Operation>(
        &self,
        asked: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        let trying = Trying {
            dispatcher: self,
            operation,
            asked,
            attempts: Vec::new(),
            payer_state: PayerState::default(),
            first_choice: None,
            falls_back: false,
            fallbacks: Vec::new(),
        };
        trying.run().await
    }
}

struct Trying<'a, O> {
    dispatcher: &'a Dispatcher,
    operation: &'a O,
    asked: DispatchRequest<'a>,
    /// The calls that failed.
    attempts: Vec<Attempt>,
    payer_state: PayerState,
    /// Whom the request was made for; not known before there is a key when it names no provider.
    first_choice: Option<ProviderId>,
    /// Whether a fallback is tried.
    falls_back: bool,
    /// The workspace's own.
    fallbacks: Vec<ModelTarget>,
}

impl<O: Operation> Trying<'_, O> {
    async fn run(mut self) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        let mut targets = VecDeque::from(std::mem::take(&mut self.asked.targets));
        let mut failure: Option<RouterError> = None;
        let first = targets.front().map(|target| target.provider.parse());
        self.first_choice = first.and_then(Result::ok);
        while let Some(target) = targets.pop_front() {
            let error = match self.target(&target).await {
                Ok(answer) => return Ok((answer, self.attempts)),
                Err(error) => error,
            };
            // That a fallback can't be asked at all is no reason to stop.
            let goes_on = match (failure::next(&error), &failure) {
                (Next::GiveUp, Some(_)) => {
                    matches!(error, RouterError::Encode(_) | RouterError::Refused(_))
                }
                (Next::GiveUp, None) => false,
                _ => true,
            };
            if std::mem::take(&mut self.asked.and_the_workspaces) {
                if let RouterError::Refused(refusal) = &error {
                    self.fallbacks = plan::of_the_workspace(&refusal.fallbacks);
                }
                targets.extend(std::mem::take(&mut self.fallbacks));
            }
            failure = Some(match failure {
                // What a provider said tells more than that a fallback had no key.
                Some(earlier) if !failure::tells_of_a_call(&error) => earlier,
                _ => error,
            });
            if !goes_on || self.is_spent() {
                break;
            }
            self.falls_back = true;
        }
        let error = failure.unwrap_or_else(|| RouterError::field("model", "is required"));
        Err(error.after(&self.attempts))
    }

    /// Tries the keys of one model.
    async fn target(&mut self, target: &ModelTarget) -> Result<O::Answer, RouterError> {
        let config = self.dispatcher.attempts;
        let mut keys = Candidates::default();
        let mut same: Option<Arc<Lease>> = None;
        let mut pauses = config.pauses();
        let mut last: Option<RouterError> = None;
        let (mut calls, mut with_this_key, mut waits) = (0, 0, 0);
        let mut was_taken_back = false;
        let mut kept_to = None;
        loop {
            let payer_state = self.payer_state.kept_to(kept_to);
            let leased = self
                .obtain(target, payer_state, &keys.excluded, same.as_ref())
                .await;
            // Not before: a token lives as long as some lease of its version.
            same = None;
            let (lease, in_use) = match leased {
                Ok(leased) => leased,
                // The others were taken away meanwhile, or the vault was.
                Err(error) => return Err(last.unwrap_or(error)),
            };
            let key = &lease.key_version().key;
            if keys.current.as_ref() != Some(key) {
                keys.current = Some(key.clone());
                keys.know(lease.other_keys());
                pauses = config.pauses();
                with_this_key = 0;
            }
            let model = target.model(&lease);
            if let Err(error) = self.check_cost(&lease, model) {
                drop(in_use);
                kept_to = Some(lease.payer());
                let error = last.unwrap_or(error);
                // The model of another key may cost less.
                if target.is_open() && keys.pass_over() {
                    last = Some(error);
                    continue;
                }
                return Err(error);
            }
            self.payer_state.turn_of(lease.payer());
            keys.stay_with(lease.payer());
            let now = self.dispatcher.clock.boottime();
            let health = &self.dispatcher.health;
            let (error, pause) =
                if let Err(unavailable) = health.admit(lease.key_version(), model, now) {
                    drop(in_use);
                    self.payer_state
                        .failure_of(lease.payer(), lease.platform_fallback_allowed());
                    (RouterError::from(unavailable), None)
                } else {
                    calls += 1;
                    with_this_key += 1;
                    let error = match self.call(target, &lease, in_use).await {
                        Ok(answer) => return Ok(answer),
                        // Taken back on the way to the call; asked for once more, as above.
                        Err(RouterError::VaultUnavailable) if !was_taken_back => {
                            was_taken_back = true;
                            same = Some(lease);
                            continue;
                        }
                        Err(error) => error,
                    };
                    let (next, keep_to) = self.judge(target, &lease, &error);
                    kept_to = kept_to.or(keep_to);
                    if matches!(next, Next::GiveUp | Next::AnotherModel)
                        || calls >= config.per_model
                        || self.is_spent()
                    {
                        return Err(error);
                    }
                    let again = next == Next::Again && with_this_key < config.per_key;
                    let pause = again.then(|| {
                        let pause = pauses.next().unwrap_or(config.longest_pause);
                        pause.max(error.retry_after().unwrap_or_default())
                    });
                    (error, pause.filter(|pause| self.has_time_for(*pause)))
                };
            // What else keeps a key from being used does not pass while a caller waits.
            if failure::is_throttled(&error) {
                keys.free_in(error.retry_after().unwrap_or(config.throttled_pause));
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                same = Some(lease);
            } else if target.key.is_empty() && keys.pass_over() {
                // Another key, at once.
            } else {
                // Others may be throttled again and again meanwhile; nobody waits without end.
                let wait = keys
                    .first_to_be_free()
                    .filter(|wait| waits < config.per_model && self.has_time_for(*wait));
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None if matches!(error, RouterError::Encode(_)) => {
                        return Err(last.unwrap_or(error));
                    }
                    None => return Err(error),
                }
                waits += 1;
                keys.readmit();
            }
            last = Some(error);
        }
    }

    /// What may help after an error, and who pays for that model from now on, if that is settled by it.
    fn judge(
        &mut self,
        target: &ModelTarget,
        lease: &Lease,
        error: &RouterError,
    ) -> (Next, Option<Payer>) {
        let next = failure::next(error);
        if failure::is_of_the_request(error) {
            let elsewhere = target.is_open() && !self.is_first_choice(lease);
            let next = match error {
                // The request is not at fault: it was made for another provider.
                RouterError::Encode(_) if elsewhere => Next::AnotherKey,
                _ => next,
            };
            return (next, Some(lease.payer()));
        }
        if next != Next::GiveUp {
            self.payer_state
                .failure_of(lease.payer(), lease.platform_fallback_allowed());
        }
        (next, None)
    }

    /// A key for a target, in use from now on: the same as before if there is one, and the vault's choice
    /// otherwise.
    async fn obtain(
        &mut self,
        target: &ModelTarget,
        payer_state: PayerState,
        excluded: &[KeyName],
        same: Option<&Arc<Lease>>,
    ) -> Result<(Arc<Lease>, InUse), RouterError> {
        let clock = &*self.dispatcher.clock;
        if let Some(lease) = same
            && let Ok(in_use) = lease.begin_use(clock)
        {
            return Ok((Arc::clone(lease), in_use));
        }
        let query = self
            .asked
            .query(target, O::CAPABILITY, payer_state, excluded);
        let mut lease = in_time(self.asked.deadline, self.dispatcher.keys.obtain(&query)).await?;
        let mut in_use = lease.begin_use(clock);
        if in_use.is_err() {
            // Withdrawn between the two lines: ask once more, so that no caller sees a race.
            lease = in_time(self.asked.deadline, self.dispatcher.keys.obtain(&query)).await?;
            in_use = lease.begin_use(clock);
        }
        let in_use = in_use.map_err(|_| RouterError::VaultUnavailable)?;
        if !self.falls_back {
            self.first_choice.get_or_insert(lease.provider());
        }
        if self.asked.and_the_workspaces && self.fallbacks.is_empty() {
            self.fallbacks = plan::of_the_workspace(lease.fallbacks());
        }
        Ok((lease, in_use))
    }

    /// One call; two when an access token turned out to be stale.
    async fn call(
        &mut self,
        target: &ModelTarget,
        lease: &Arc<Lease>,
        in_use: InUse,
    ) -> Result<O::Answer, RouterError> {
        let first = self.call_once(target, lease, in_use).await;
        let (error, token) = match first {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let error = match (&error, token) {
            (RouterError::Provider(refused), Some(token))
                if refused.class == ErrorClass::Revoked && !self.is_spent() =>
            {
                lease.forget(&token);
                match lease.begin_use(&*self.dispatcher.clock) {
                    Ok(in_use) => match self.call_once(target, lease, in_use).await {
                        Ok(answer) => return Ok(answer),
                        Err((error, _)) => error,
                    },
                    // The key is not to blame.
                    Err(_lapsed) => return Err(RouterError::VaultUnavailable),
                }
            }
            _ => error,
        };
        failure::learn(self.dispatcher, lease, target.model(lease), &error);
        Err(error)
    }

    async fn call_once(
        &mut self,
        target: &ModelTarget,
        lease: &Arc<Lease>,
        in_use: InUse,
    ) -> Result<O::Answer, (RouterError, Option<crate::keys::Token>)> {
        let first_choice = self.is_first_choice(lease);
        let prepared = self
            .dispatcher
            .prepare(
                self.operation,
                &self.asked,
                lease,
                in_use,
                target.model(lease),
                first_choice,
            )
            .await;
        let ready = match prepared {
            Ok(ready) => ready,
            Err(failed) => {
                self.attempts.extend(failed.attempt);
                return Err((failed.error, None));
            }
        };
        let token = ready.token.clone();
        match self.operation.perform(self.dispatcher, ready).await {
            Ok(answer) => {
                self.dispatcher.health.answered(lease.key_version());
                Ok(answer)
            }
            Err(failed) => {
                self.attempts.extend(failed.attempt);
                Err((failed.error, token))
            }
        }
    }

    /// Whether a call would cost no more than the request allows.
    fn check_cost(&self, lease: &Lease, model: &str) -> Result<(), RouterError> {
        let Some(most) = self.asked.conditions.max_cost_nanos else {
            return Ok(());
        };
        let Some(size) = self.operation.size() else {
            return Ok(());
        };
        let price = size.price(&Offer {
            catalogue: &self.dispatcher.catalogue.current(),
            provider: lease.provider(),
            model,
            start: system_time(self.dispatcher.clock.now()),
            first_choice: self.is_first_choice(lease),
        });
        check_cost(&price, most)
    }

    fn is_first_choice(&self, lease: &Lease) -> bool {
        self.first_choice == Some(lease.provider())
    }

    /// Whether no further call may be made.
    fn is_spent(&self) -> bool {
        let late = |deadline: Instant| Instant::now() >= deadline;
        self.attempts.len() >= self.dispatcher.attempts.most
            || self.asked.deadline.is_some_and(late)
    }

    fn has_time_for(&self, pause: Duration) -> bool {
        let in_time = |deadline: Instant| Instant::now() + pause < deadline;
        pause <= self.dispatcher.attempts.longest_wait && self.asked.deadline.is_none_or(in_time)
    }
}
