//! An attempt that is open. However the call ends, its account is settled once: an attempt that is
//! dropped unsettled, because its caller went away, settles itself as cancelled.

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use latchkey_clock::Clock;
use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::Usage;
use latchkey_providers::catalogue::CostContext;
use latchkey_providers::error::request_id;

use crate::catalogue::Catalogues;
use crate::domain::attempt::{Attempt, AttemptOutcome, AttemptStart, Certainty, State};
use crate::error::RouterError;
use crate::keys::system_time;
use crate::ledger::Ledger;

use super::{Dispatcher, MAX_NAME_BYTES};

/// An open attempt.
pub(super) struct OpenAttempt {
    start: Option<AttemptStart>,
    outcome: AttemptOutcome,
    started_at: Duration,
    ledger: Arc<Ledger>,
    catalogue: Arc<Catalogues>,
    clock: Arc<dyn Clock>,
}

impl OpenAttempt {
    /// Writes the beginning down. A call whose beginning could not be written is not made.
    pub(super) fn begin(start: AttemptStart, dispatcher: &Dispatcher) -> Result<Self, RouterError> {
        let attempt = Attempt {
            start,
            outcome: AttemptOutcome::default(),
        };
        dispatcher.ledger.append(&attempt)?;
        Ok(Self {
            start: Some(attempt.start),
            outcome: AttemptOutcome::default(),
            started_at: dispatcher.clock.boottime(),
            ledger: Arc::clone(&dispatcher.ledger),
            catalogue: Arc::clone(&dispatcher.catalogue),
            clock: Arc::clone(&dispatcher.clock),
        })
    }

    /// Notes the head of the answer.
    pub(super) fn head(&mut self, head: &Parts) {
        self.outcome.http_status = head.status.as_u16();
        self.outcome.provider_request_id = request_id(&head.headers).unwrap_or_default();
    }

    /// Notes the first byte of the answer's body.
    pub(super) fn first_byte(&mut self) {
        if self.outcome.first_byte_micros.is_none() {
            self.outcome.first_byte_micros = Some(self.elapsed());
        }
    }

    /// Notes what was used so far, for the case that the end never comes.
    pub(super) fn used_so_far(&mut self, usage: Option<Usage>) {
        self.outcome.usage = usage;
    }

    /// The call succeeded.
    pub(super) fn succeed(mut self, told: &ProviderReport<'_>) -> Option<Attempt> {
        let outcome = &mut self.outcome;
        told.served_model.clone_into(&mut outcome.served_model);
        told.service_tier.clone_into(&mut outcome.service_tier);
        if told.usage.is_some() || told.cost_nanos.is_some() {
            outcome.certainty = Certainty::Reported;
        }
        outcome.usage = told.usage;
        outcome.cost_nanos = told.cost_nanos;
        self.settle(State::Succeeded)
    }

    /// The call failed, or its deadline passed.
    pub(super) fn fail(mut self, error: &RouterError) -> Option<Attempt> {
        self.outcome.error_reason = error.reason().as_str().into();
        if let RouterError::Provider(error) = error {
            if let Some(id) = &error.request_id {
                id.clone_into(&mut self.outcome.provider_request_id);
            }
            self.outcome.http_status = error.http_status.unwrap_or(self.outcome.http_status);
        }
        self.settle(match error {
            RouterError::DeadlineExceeded => State::Cancelled,
            _ => State::Failed,
        })
    }

    fn settle(&mut self, state: State) -> Option<Attempt> {
        let start = self.start.take()?;
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.state = state;
        for word in [
            &mut outcome.served_model,
            &mut outcome.service_tier,
            &mut outcome.provider_request_id,
        ] {
            *word = storable(word);
        }
        outcome.latency_micros = Some(self.elapsed());
        self.price(&start, &mut outcome);
        let attempt = Attempt { start, outcome };
        if let Err(error) = self.ledger.append(&attempt) {
            // The call was made; its beginning is in the journal, so it is not lost, only open.
            let chain = &error as &dyn std::error::Error;
            tracing::error!(error = chain, attempt = %attempt.start.id.0, "an outcome is unwritten");
        }
        Some(attempt)
    }

    /// What the provider told of the cost holds; else the catalogue's price, of the model that
    /// answered or of the one asked for.
    fn price(&self, start: &AttemptStart, outcome: &mut AttemptOutcome) {
        if outcome.cost_nanos.is_some() {
            PRICED_BY_THE_PROVIDER.clone_into(&mut outcome.price_version);
            return;
        }
        let catalogue = self.catalogue.current();
        catalogue.version().clone_into(&mut outcome.price_version);
        let Ok(provider) = start.provider.parse::<ProviderId>() else {
            return;
        };
        if outcome.certainty == Certainty::Reported
            && let Some(usage) = &outcome.usage
        {
            let find = |name: &str| catalogue.find(provider, name);
            let model = find(&outcome.served_model).or_else(|| find(&start.model));
            let context = CostContext {
                service_tier: &outcome.service_tier,
                start: system_time(start.start_time),
            };
            outcome.cost_nanos = model.and_then(|model| model.cost_nanos(usage, &context));
        }
    }

    fn elapsed(&self) -> i64 {
        let elapsed = self.clock.boottime().saturating_sub(self.started_at);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}

/// What a provider told of a call that succeeded.
#[derive(Default)]
pub(super) struct ProviderReport<'a> {
    /// The model that answered.
    pub(super) served_model: &'a str,
    /// What was used.
    pub(super) usage: Option<Usage>,
    /// The service tier.
    pub(super) service_tier: &'a str,
    /// What it cost.
    pub(super) cost_nanos: Option<i64>,
}

/// The price version of a cost that the provider told.
const PRICED_BY_THE_PROVIDER: &str = "provider";

/// What a provider calls something, as every database takes it: PostgreSQL's texts hold no U+0000,
/// and nobody's names are long.
fn storable(word: &str) -> String {
    let printable = word.chars().filter(|c| !c.is_control());
    printable.take(MAX_NAME_BYTES).collect()
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        self.settle(State::Cancelled);
    }
}
