//! Executes the steps of [`Failover`] for a call: leases keys, checks them, calls the provider, waits.

use std::sync::Arc;

use latchkey_providers::ErrorClass;
use tokio::time::Instant;

use super::cost::{Offer, check_cost};
use super::failover::{Event, Failover, LeasedKey, Step};
use super::failure;
use super::operations::Operation;
use super::prepared::KeyInUse;
use super::request::{DispatchRequest, Fallbacks};
use super::{Dispatcher, in_time};
use crate::domain::attempt::Attempt;
use crate::domain::model_id::ModelId;
use crate::error::RouterError;
use crate::leases::{InUse, Lease};
use crate::provider_call::Token;

impl Dispatcher {
    /// Calls providers until one answers or nothing is left to try. Returns the failed attempts that
    /// came before the answer.
    pub(super) async fn perform<O: Operation>(
        &self,
        mut request: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        let fallbacks = std::mem::replace(&mut request.fallbacks, Fallbacks::Given(Vec::new()));
        let target = std::mem::take(&mut request.target);
        let deadline = request.context.deadline;
        let performer = Performer {
            dispatcher: self,
            operation,
            request,
            failover: Failover::new(target, fallbacks, self.attempts, deadline),
            attempts: Vec::new(),
        };
        performer.run().await
    }
}

struct Performer<'a, O> {
    dispatcher: &'a Dispatcher,
    operation: &'a O,
    request: DispatchRequest<'a>,
    failover: Failover,
    /// The calls that failed.
    attempts: Vec<Attempt>,
}

impl<O: Operation> Performer<'_, O> {
    async fn run(mut self) -> Result<(O::Answer, Vec<Attempt>), RouterError> {
        // Kept until another key is leased: a token lives as long as a lease of its version.
        let mut last_lease: Option<Arc<Lease>> = None;
        let mut key: Option<KeyInUse> = None;
        let mut step = self.next(Event::Entered);
        loop {
            step = match step {
                Step::Lease { same } => {
                    let again = last_lease.as_ref().filter(|_| same);
                    match self.lease(again).await {
                        Ok(leased) => {
                            let lease = Arc::clone(&leased.lease);
                            key = Some(leased);
                            let step = self.next(Event::Leased(facts(&lease)));
                            last_lease = Some(lease);
                            step
                        }
                        Err(error) => self.next(Event::NoKey(error)),
                    }
                }
                Step::Check => {
                    let event = self.check(key.as_ref());
                    if !matches!(event, Event::Admitted) {
                        key = None;
                    }
                    self.next(event)
                }
                Step::Call => {
                    let called = key.take().ok_or(RouterError::VaultUnavailable);
                    let answer = match called {
                        Ok(key) => self.call(key).await,
                        Err(error) => Err(error),
                    };
                    match answer {
                        Ok(answer) => return Ok((answer, self.attempts)),
                        Err(error) => {
                            let attempts = self.attempts.len();
                            self.next(Event::Failed { error, attempts })
                        }
                    }
                }
                Step::Pause(pause) => {
                    tokio::time::sleep(pause).await;
                    self.next(Event::Resumed)
                }
                Step::NextTarget { .. } => self.next(Event::Entered),
                Step::Fail { ended_by, error } => {
                    drop(ended_by);
                    // The only reference that is left.
                    let error = Arc::into_inner(error).unwrap_or(RouterError::VaultUnavailable);
                    return Err(error.after(&self.attempts));
                }
            };
        }
    }

    fn next(&mut self, event: Event<'_>) -> Step {
        self.failover.next(event, Instant::now())
    }

    /// A key for the target, in use from now on: the same as before if it still can be used, else the
    /// vault's choice.
    async fn lease(&mut self, same: Option<&Arc<Lease>>) -> Result<KeyInUse, RouterError> {
        let clock = &*self.dispatcher.clock;
        let (lease, in_use) = match same.map(|lease| (lease, lease.begin_use(clock))) {
            Some((lease, Ok(in_use))) => (Arc::clone(lease), in_use),
            _ => self.obtain().await?,
        };
        self.failover.learn_workspace_fallbacks(lease.fallbacks());
        let named = self.failover.target().model.as_ref();
        let model = named.or(lease.default_model()).cloned().ok_or_else(|| {
            RouterError::field("model", "is required: the key has no default model")
        })?;
        Ok(KeyInUse {
            lease,
            model,
            in_use,
        })
    }

    async fn obtain(&self) -> Result<(Arc<Lease>, InUse), RouterError> {
        let query = self.request.key_query(
            self.failover.target(),
            O::CAPABILITY,
            self.failover.payer_state(),
            self.failover.excluded(),
        );
        let (deadline, clock) = (self.request.context.deadline, &*self.dispatcher.clock);
        // Where a lease is withdrawn right after it was obtained, another one is requested, so that no
        // caller sees the race.
        for _ in 0..2 {
            let lease = in_time(deadline, self.dispatcher.leases.obtain(&query)).await?;
            if let Ok(in_use) = lease.begin_use(clock) {
                return Ok((lease, in_use));
            }
        }
        Err(RouterError::VaultUnavailable)
    }

    /// Whether the key may be used: its cost first, since admission may take the breaker's one trial.
    fn check(&self, key: Option<&KeyInUse>) -> Event<'static> {
        let Some(KeyInUse { lease, model, .. }) = key else {
            return Event::NoKey(RouterError::VaultUnavailable);
        };
        if let Err(error) = self.check_cost(lease, model) {
            return Event::TooExpensive(error);
        }
        let now = self.dispatcher.clock.boottime();
        let health = &self.dispatcher.health;
        match health.admit(lease.key_version_uid(), model.as_str(), now) {
            Ok(()) => Event::Admitted,
            Err(unavailable) => Event::Unavailable(unavailable.into()),
        }
    }

    /// Whether a call costs at most what the request allows.
    fn check_cost(&self, lease: &Lease, model: &ModelId) -> Result<(), RouterError> {
        let Some(max_cost_nanos) = self.request.conditions.max_cost_nanos else {
            return Ok(());
        };
        let Some(size) = self.operation.size() else {
            return Ok(());
        };
        let price = size.price(&Offer {
            catalogue: &self.dispatcher.catalogue.current(),
            provider: lease.provider(),
            model: model.as_str(),
            start: self.dispatcher.clock.now().into(),
            first_choice: self.failover.is_first_choice(lease.provider()),
        });
        check_cost(&price, max_cost_nanos)
    }

    /// One call; two where the access token turned out to be stale.
    async fn call(&mut self, key: KeyInUse) -> Result<O::Answer, RouterError> {
        let (lease, model) = (Arc::clone(&key.lease), key.model.clone());
        let (error, token) = match self.call_once(key).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let error = match token {
            Some(token) if is_revoked(&error) && !self.is_spent() => {
                lease.forget_token(&token);
                // The lease may have lapsed since, which is no failure of the key.
                let in_use = lease.begin_use(&*self.dispatcher.clock);
                let again = KeyInUse {
                    lease: Arc::clone(&lease),
                    model: model.clone(),
                    in_use: in_use.map_err(|_| RouterError::VaultUnavailable)?,
                };
                match self.call_once(again).await {
                    Ok(answer) => return Ok(answer),
                    Err((error, _)) => error,
                }
            }
            _ => error,
        };
        failure::record(self.dispatcher, &lease, model.as_str(), &error);
        Err(error)
    }

    async fn call_once(
        &mut self,
        key: KeyInUse,
    ) -> Result<O::Answer, (RouterError, Option<Token>)> {
        let lease = Arc::clone(&key.lease);
        let first_choice = self.failover.is_first_choice(lease.provider());
        let dispatcher = self.dispatcher;
        let prepared = dispatcher
            .prepare(self.operation, &self.request, key, first_choice)
            .await;
        let (failed, token) = match prepared {
            Ok(call) => {
                let token = call.origin.token.clone();
                match self.operation.perform(dispatcher, call).await {
                    Ok(answer) => {
                        dispatcher.health.answered(lease.key_version_uid());
                        return Ok(answer);
                    }
                    Err(failed) => (failed, token),
                }
            }
            Err(failed) => (failed, None),
        };
        self.attempts.extend(failed.attempt);
        Err((failed.error, token))
    }

    /// Whether no further call may be made.
    fn is_spent(&self) -> bool {
        let deadline = self.request.context.deadline;
        self.attempts.len() >= self.dispatcher.attempts.most
            || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

fn facts(lease: &Lease) -> LeasedKey<'_> {
    LeasedKey {
        name: &lease.key_version().key,
        provider: lease.provider(),
        payer: lease.payer(),
        platform_fallback_allowed: lease.platform_fallback_allowed(),
        others: lease.other_keys(),
    }
}

fn is_revoked(error: &RouterError) -> bool {
    matches!(error, RouterError::Provider(error) if error.class == ErrorClass::Revoked)
}
