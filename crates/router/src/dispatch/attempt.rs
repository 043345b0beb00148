//! An attempt that is open. However the call ends, its account is settled once: an attempt that is
//! dropped unsettled, because its caller went away, settles itself as cancelled.

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use latchkey_boot::clock::Clock;
use latchkey_contract::router::v1::Usage;
use latchkey_providers::Provider;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::error::request_id;

use crate::domain::attempt::{Attempt, Begun, Certainty, Outcome, State};
use crate::error::RouterError;
use crate::ledger::Ledger;

use super::{Dispatcher, LONGEST_NAME};

/// An open attempt.
pub(super) struct Open {
    begun: Option<Begun>,
    outcome: Outcome,
    begun_at: Duration,
    ledger: Arc<Ledger>,
    catalogue: Arc<Catalogue>,
    clock: Arc<dyn Clock>,
}

impl Open {
    /// Writes the beginning down. A call whose beginning could not be written is not made.
    pub(super) fn begin(begun: Begun, dispatcher: &Dispatcher) -> Result<Self, RouterError> {
        let attempt = Attempt {
            begun,
            outcome: Outcome::default(),
        };
        dispatcher.ledger.append(&attempt)?;
        Ok(Self {
            begun: Some(attempt.begun),
            outcome: Outcome::default(),
            begun_at: dispatcher.clock.boottime(),
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
    pub(super) fn succeed(mut self, served_model: &str, usage: Option<Usage>) -> Option<Attempt> {
        served_model.clone_into(&mut self.outcome.served_model);
        self.outcome.certainty = if usage.is_some() {
            Certainty::Reported
        } else {
            Certainty::Unknown
        };
        self.outcome.usage = usage;
        self.settle(State::Succeeded)
    }

    /// The call failed.
    pub(super) fn fail(mut self, error: &RouterError) {
        self.outcome.error_reason = error.reason().into();
        if let RouterError::Provider(error) = error {
            if let Some(id) = &error.request_id {
                id.clone_into(&mut self.outcome.provider_request_id);
            }
            self.outcome.http_status = error.http_status.unwrap_or(self.outcome.http_status);
        }
        self.settle(State::Failed);
    }

    fn settle(&mut self, state: State) -> Option<Attempt> {
        let begun = self.begun.take()?;
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.state = state;
        for word in [&mut outcome.served_model, &mut outcome.provider_request_id] {
            *word = storable(word);
        }
        outcome.latency_micros = Some(self.elapsed());
        self.catalogue
            .version()
            .clone_into(&mut outcome.price_version);
        if outcome.certainty == Certainty::Reported {
            outcome.cost_nanos = self.cost(&begun, &outcome);
        }
        let attempt = Attempt { begun, outcome };
        if let Err(error) = self.ledger.append(&attempt) {
            // The call was made; its beginning is in the journal, so it is not lost, only open.
            let chain = &error as &dyn std::error::Error;
            tracing::error!(error = chain, attempt = %attempt.begun.id.0, "an outcome is unwritten");
        }
        Some(attempt)
    }

    /// The price is that of the model that answered, else of the one asked for.
    fn cost(&self, begun: &Begun, outcome: &Outcome) -> Option<i64> {
        let provider: Provider = begun.provider.parse().ok()?;
        let usage = outcome.usage.as_ref()?;
        let find = |name: &str| self.catalogue.find(provider, name);
        find(&outcome.served_model)
            .or_else(|| find(&begun.model))?
            .cost_nanos(usage)
    }

    fn elapsed(&self) -> i64 {
        let elapsed = self.clock.boottime().saturating_sub(self.begun_at);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}

/// What a provider calls something, as every database takes it: PostgreSQL's texts hold no U+0000,
/// and nobody's names are long.
fn storable(word: &str) -> String {
    let printable = word.chars().filter(|c| !c.is_control());
    printable.take(LONGEST_NAME).collect()
}

impl Drop for Open {
    fn drop(&mut self) {
        self.settle(State::Cancelled);
    }
}
