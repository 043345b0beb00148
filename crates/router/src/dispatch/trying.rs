//! Trying: one request, as many calls as its budget allows. A key that is throttled or refused makes
//! way for the next of the same payer; what may pass is tried again after a pause; when no key of a
//! model is left, the next model of the plan is asked.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::names::{KeyName, Scope};
use latchkey_contract::router::v1;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::catalogue::ModelTraits;
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::{ErrorClass, Provider, Target};
use tokio::time::Instant;

use super::candidates::Candidates;
use super::failure::{self, Next};
use super::plan::{self, Leg};
use super::ready::Ready;
use super::{Dispatcher, Request, in_time};
use crate::domain::attempt::{self, Attempt, Origin, Payer};
use crate::error::RouterError;
use crate::keys::{InUse, Loan, Wish};

/// What is asked of a provider, and how its answer is read.
pub(super) trait Operation: Sync {
    /// What reading the answer takes.
    type Reading: Send;
    /// The answer.
    type Answer: Send;
    /// What it is called in the account.
    const OPERATION: attempt::Operation;
    /// What the vault is told.
    const CAPABILITY: Capability;
    /// Whether the answer is streamed.
    const STREAMED: bool;

    /// Writes the request.
    fn encode(&self, aim: &Aim<'_>) -> Result<(WireRequest, Self::Reading), EncodeError>;

    /// Whether what was written may be sent.
    fn check(&self, _: &Self::Reading) -> Result<(), RouterError> {
        Ok(())
    }

    /// Makes the call. Its attempt is settled when this fails.
    fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: Ready<Self::Reading>,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;
}

/// What a request is written for.
pub(super) struct Aim<'a> {
    pub(super) target: Target<'a>,
    /// As the provider names it.
    pub(super) model: &'a str,
    pub(super) traits: &'a ModelTraits,
    /// Whether it is the provider that the request was made for, and not a fallback's.
    pub(super) first_choice: bool,
}

/// A call that failed, and its account.
pub(super) struct Failed {
    pub(super) error: RouterError,
    pub(super) attempt: Option<Attempt>,
}

impl From<RouterError> for Failed {
    fn from(error: RouterError) -> Self {
        Self {
            error,
            attempt: None,
        }
    }
}

/// Who asks, for what scope, and whom.
pub(super) struct Asked<'a> {
    pub(super) scope: &'a Scope,
    pub(super) requester: &'a Arc<str>,
    pub(super) origin: Origin,
    pub(super) deadline: Option<Instant>,
    pub(super) legs: Vec<Leg>,
    /// Whether the workspace's own fallbacks come after the legs.
    pub(super) and_the_workspaces: bool,
}

impl<'a> Asked<'a> {
    /// One model and no other.
    pub(super) fn one(request: Request<'a>, leg: Leg, origin: v1::Origin) -> Self {
        Self {
            scope: request.scope,
            requester: request.requester,
            origin: Origin::of(origin),
            deadline: request.deadline,
            legs: vec![leg],
            and_the_workspaces: false,
        }
    }
}

impl Dispatcher {
    /// Tries until there is an answer, or nothing is left to try. The attempts are those that failed
    /// before.
    pub(super) async fn try_all<O: Operation>(
        &self,
        asked: Asked<'_>,
        operation: &O,
    ) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        let trying = Trying {
            dispatcher: self,
            operation,
            asked,
            attempts: Vec::new(),
            payer: None,
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
    asked: Asked<'a>,
    /// The calls that failed.
    attempts: Vec<Attempt>,
    /// Who paid for the first call, and pays for all others.
    payer: Option<Payer>,
    /// Whom the request was made for; not known before there is a key when it names no provider.
    first_choice: Option<Provider>,
    /// Whether a fallback is tried.
    falls_back: bool,
    /// The workspace's own.
    fallbacks: Vec<Leg>,
}

impl<O: Operation> Trying<'_, O> {
    async fn run(mut self) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        let mut legs = VecDeque::from(std::mem::take(&mut self.asked.legs));
        let mut failure: Option<RouterError> = None;
        let first = legs.front().map(|leg| leg.provider.parse());
        self.first_choice = first.and_then(Result::ok);
        while let Some(leg) = legs.pop_front() {
            let error = match self.leg(&leg).await {
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
                legs.extend(std::mem::take(&mut self.fallbacks));
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
    async fn leg(&mut self, leg: &Leg) -> Result<O::Answer, RouterError> {
        let config = self.dispatcher.attempts;
        let mut keys = Candidates::default();
        let mut same: Option<Arc<Loan>> = None;
        let mut pauses = config.pauses();
        let mut last: Option<RouterError> = None;
        let (mut calls, mut with_this_key, mut waits) = (0, 0, 0);
        let mut was_taken_back = false;
        loop {
            let lent = self.obtain(leg, &keys.excluded, same.as_ref()).await;
            // Not before: a token lives as long as some loan of its version.
            same = None;
            let (loan, in_use) = match lent {
                Ok(lent) => lent,
                // The others were taken away meanwhile, or the vault was.
                Err(error) => return Err(last.unwrap_or(error)),
            };
            let key = &loan.key_version().key;
            if keys.current.as_ref() != Some(key) {
                keys.current = Some(key.clone());
                keys.know(loan.other_keys(), loan.payer());
                pauses = config.pauses();
                with_this_key = 0;
            }
            let model = leg.model(&loan);
            let now = self.dispatcher.clock.boottime();
            let health = &self.dispatcher.health;
            let (error, pause) = if let Err(unfit) = health.admit(loan.key_version(), model, now) {
                drop(in_use);
                (RouterError::from(unfit), None)
            } else {
                calls += 1;
                with_this_key += 1;
                let error = match self.call(leg, &loan, in_use).await {
                    Ok(answer) => return Ok(answer),
                    // Taken back on the way to the call; asked for once more, as above.
                    Err(RouterError::VaultUnavailable) if !was_taken_back => {
                        was_taken_back = true;
                        same = Some(loan);
                        continue;
                    }
                    Err(error) => error,
                };
                let next = failure::next(&error);
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
                same = Some(loan);
            } else if leg.key.is_empty() && keys.pass_over() {
                // Another key, at once.
            } else {
                // Others may be throttled again and again meanwhile; nobody waits without end.
                let wait = keys
                    .first_to_be_free()
                    .filter(|wait| waits < config.per_model && self.has_time_for(*wait));
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(error),
                }
                waits += 1;
                keys.readmit();
            }
            last = Some(error);
        }
    }

    /// A key for a leg, in use from now on: the same as before if there is one, and the vault's choice
    /// otherwise.
    async fn obtain(
        &mut self,
        leg: &Leg,
        excluded: &[KeyName],
        same: Option<&Arc<Loan>>,
    ) -> Result<(Arc<Loan>, InUse), RouterError> {
        let clock = &*self.dispatcher.clock;
        if let Some(loan) = same
            && let Ok(in_use) = loan.begin_use(clock)
        {
            return Ok((Arc::clone(loan), in_use));
        }
        let wish = Wish {
            scope: self.asked.scope.clone(),
            key: leg.key.clone(),
            provider: leg.provider.clone(),
            model: leg.model.clone(),
            capability: O::CAPABILITY,
            excluded: excluded.to_vec(),
            payer: self.payer,
        };
        let mut loan = in_time(self.asked.deadline, self.dispatcher.keys.obtain(&wish)).await?;
        let mut in_use = loan.begin_use(clock);
        if in_use.is_err() {
            // Withdrawn between the two lines: ask once more, so that no caller sees a race.
            loan = in_time(self.asked.deadline, self.dispatcher.keys.obtain(&wish)).await?;
            in_use = loan.begin_use(clock);
        }
        let in_use = in_use.map_err(|_| RouterError::VaultUnavailable)?;
        self.payer.get_or_insert(loan.payer());
        if !self.falls_back {
            self.first_choice = Some(loan.provider());
        }
        if self.asked.and_the_workspaces && self.fallbacks.is_empty() {
            self.fallbacks = plan::of_the_workspace(loan.fallbacks());
        }
        Ok((loan, in_use))
    }

    /// One call; two when an access token turned out to be stale.
    async fn call(
        &mut self,
        leg: &Leg,
        loan: &Arc<Loan>,
        in_use: InUse,
    ) -> Result<O::Answer, RouterError> {
        let first = self.call_once(leg, loan, in_use).await;
        let (error, token) = match first {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let error = match (&error, token) {
            (RouterError::Provider(refused), Some(token))
                if refused.class == ErrorClass::Revoked && !self.is_spent() =>
            {
                loan.forget(&token);
                match loan.begin_use(&*self.dispatcher.clock) {
                    Ok(in_use) => match self.call_once(leg, loan, in_use).await {
                        Ok(answer) => return Ok(answer),
                        Err((error, _)) => error,
                    },
                    // The key is not to blame.
                    Err(_lapsed) => return Err(RouterError::VaultUnavailable),
                }
            }
            _ => error,
        };
        failure::learn(self.dispatcher, loan, leg.model(loan), &error);
        Err(error)
    }

    async fn call_once(
        &mut self,
        leg: &Leg,
        loan: &Arc<Loan>,
        in_use: InUse,
    ) -> Result<O::Answer, (RouterError, Option<crate::keys::Token>)> {
        let first_choice = self.first_choice == Some(loan.provider());
        let prepared = self
            .dispatcher
            .prepare(
                self.operation,
                &self.asked,
                loan,
                in_use,
                leg.model(loan),
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
                self.dispatcher.health.answered(loan.key_version());
                Ok(answer)
            }
            Err(failed) => {
                self.attempts.extend(failed.attempt);
                Err((failed.error, token))
            }
        }
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
