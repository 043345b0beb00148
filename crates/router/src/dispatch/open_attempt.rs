//! An attempt whose call has not ended. However the call ends, the attempt is settled exactly once: one
//! that is dropped, because its caller went away, settles itself as cancelled.

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use latchkey_clock::Clock;
use latchkey_contract::router::v1::Usage;
use latchkey_providers::catalogue::CostContext;
use latchkey_providers::error::request_id;

use crate::catalogue::Catalogues;
use crate::domain::attempt::{Attempt, AttemptOutcome, AttemptStart, Certainty, State};
use crate::error::RouterError;
use crate::ledger::Ledger;

use super::Dispatcher;

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
    /// Records the start in the journal. A call whose start could not be recorded is not made.
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

    /// Records the head of the answer. The secret of the call is redacted from it.
    pub(super) fn record_head(&mut self, head: &Parts, secret: &str) {
        self.outcome.http_status = head.status.as_u16();
        self.outcome.provider_request_id = request_id(&head.headers, secret).unwrap_or_default();
    }

    /// Records the first byte of the answer's body.
    pub(super) fn record_first_byte(&mut self) {
        if self.outcome.first_byte_micros.is_none() {
            self.outcome.first_byte_micros = Some(self.elapsed());
        }
    }

    /// Records the usage so far, in case the end of the answer never comes.
    pub(super) fn record_usage(&mut self, usage: Option<Usage>) {
        self.outcome.usage = usage;
    }

    /// Settles a call that succeeded.
    pub(super) fn succeed(mut self, report: &ProviderReport<'_>) -> Option<Attempt> {
        let outcome = &mut self.outcome;
        report.served_model.clone_into(&mut outcome.served_model);
        report.service_tier.clone_into(&mut outcome.service_tier);
        if report.usage.is_some() || report.cost_nanos.is_some() {
            outcome.certainty = Certainty::Reported;
        }
        outcome.usage = report.usage;
        outcome.cost_nanos = report.cost_nanos;
        self.settle(State::Succeeded)
    }

    /// Settles a call that failed, or whose deadline passed.
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
        for text in [
            &mut outcome.served_model,
            &mut outcome.service_tier,
            &mut outcome.provider_request_id,
        ] {
            *text = storable(text);
        }
        outcome.usage = outcome.usage.map(bounded);
        outcome.latency_micros = Some(self.elapsed());
        self.price(&start, &mut outcome);
        let attempt = Attempt { start, outcome };
        if let Err(error) = self.ledger.append(&attempt) {
            // The start of the attempt is in the journal, so the call is not lost: it stays open.
            let chain = &error as &dyn std::error::Error;
            tracing::error!(error = chain, attempt = %attempt.start.id.0, "the outcome of an attempt could not be recorded");
        }
        Some(attempt)
    }

    /// Prices the usage: by the cost that the provider reports, else by the catalogue's price of the model
    /// that answered, else of the requested model.
    fn price(&self, start: &AttemptStart, outcome: &mut AttemptOutcome) {
        if outcome.cost_nanos.is_some() {
            REPORTED_COST.clone_into(&mut outcome.price_version);
            return;
        }
        let catalogue = self.catalogue.current();
        catalogue.version().clone_into(&mut outcome.price_version);
        if outcome.certainty == Certainty::Reported
            && let Some(usage) = &outcome.usage
        {
            let find = |name: &str| catalogue.find(start.provider, name);
            let model = find(&outcome.served_model).or_else(|| find(start.model.as_str()));
            let context = CostContext {
                service_tier: &outcome.service_tier,
                start: start.start_time.into(),
            };
            outcome.cost_nanos = model.and_then(|model| model.cost_nanos(usage, &context));
        }
    }

    fn elapsed(&self) -> i64 {
        let elapsed = self.clock.boottime().saturating_sub(self.started_at);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}

/// What a provider reports about a call that succeeded.
#[derive(Default)]
pub(super) struct ProviderReport<'a> {
    /// The model that answered.
    pub(super) served_model: &'a str,
    /// The usage.
    pub(super) usage: Option<Usage>,
    /// The service tier.
    pub(super) service_tier: &'a str,
    /// The cost, in nano-dollars.
    pub(super) cost_nanos: Option<i64>,
}

/// The price version of a cost that the provider report.
const REPORTED_COST: &str = "provider";

/// A provider's text as every database stores it: bounded, and without control characters, since
/// PostgreSQL's texts hold no U+0000.
fn storable(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control());
    printable.take(MAX_TEXT_CHARS).collect()
}

/// A provider's usage within bounds, so that sums over many calls don't overflow.
fn bounded(usage: Usage) -> Usage {
    let bounded = |count: i64| count.clamp(0, MAX_TOKENS);
    Usage {
        input_tokens: bounded(usage.input_tokens),
        cache_read_tokens: bounded(usage.cache_read_tokens),
        cache_write_tokens: bounded(usage.cache_write_tokens),
        cache_write_1h_tokens: bounded(usage.cache_write_1h_tokens),
        output_tokens: bounded(usage.output_tokens),
        reasoning_tokens: bounded(usage.reasoning_tokens),
        image_input_tokens: bounded(usage.image_input_tokens),
        image_output_tokens: bounded(usage.image_output_tokens),
        image_count: bounded(usage.image_count),
    }
}

/// Tokens of one call at most. 900 million calls with as many can be summed.
const MAX_TOKENS: i64 = 10_000_000_000;

/// Characters of a provider's text that are stored.
const MAX_TEXT_CHARS: usize = 256;

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        self.settle(State::Cancelled);
    }
}
