//! Dispatching one request: plan the models, obtain a key, record the attempt, call the provider, read
//! the answer, settle the attempt; and fail over to other keys and models.
//!
//! A request is read into a `DispatchRequest` (`request.rs`). `Failover` (`failover.rs`) decides each
//! next step; `perform.rs` executes the steps and `dry_run.rs` (Explain) simulates them. The six
//! operations are in `operations/`.

mod accounted;
mod conditions;
mod config;
mod cost;
mod dry_run;
mod failover;
mod failure;
mod message;
mod open_attempt;
mod operations;
mod payer_state;
mod perform;
mod plan;
mod prepared;
mod request;
mod tried_keys;

use std::sync::Arc;

use latchkey_clock::Clock;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;
use uuid::Builder;

pub use accounted::Accounted;
pub use config::AttemptsConfig;
pub use dry_run::{CandidateReport, ExplainedRequest, TargetReport};
pub use operations::{AnswerStream, Answered, Compared, ComparedStream, Piece};
pub use request::CallContext;

use crate::catalogue::Catalogues;
use crate::domain::attempt::AttemptId;
use crate::error::RouterError;
use crate::health::KeyHealth;
use crate::leases::Leases;
use crate::ledger::{JournalError, Ledger};
use crate::provider_call::{Endpoints, Upstream};

/// Everything that a call needs.
pub struct Dispatcher {
    /// The leases.
    pub leases: Arc<Leases>,
    /// The connections to providers.
    pub upstream: Arc<Upstream>,
    /// The addresses of providers.
    pub endpoints: Arc<Endpoints>,
    /// The catalogue of models.
    pub catalogue: Arc<Catalogues>,
    /// The ledger of attempts.
    pub ledger: Arc<Ledger>,
    /// The limits of failover.
    pub attempts: AttemptsConfig,
    /// The health of keys, from recent calls.
    pub health: KeyHealth,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for the ids of attempts.
    pub rng: SystemRandom,
}

/// Runs a future until the caller's deadline, and fails with `DeadlineExceeded` once it has passed.
pub async fn in_time<T>(
    deadline: Option<Instant>,
    future: impl Future<Output = Result<T, RouterError>>,
) -> Result<T, RouterError> {
    match deadline {
        None => future.await,
        Some(deadline) => tokio::time::timeout_at(deadline, future)
            .await
            .unwrap_or(Err(RouterError::DeadlineExceeded)),
    }
}

impl Dispatcher {
    fn attempt_id(&self) -> Result<AttemptId, RouterError> {
        let mut bytes = [0; 10];
        let filled = self.rng.fill(&mut bytes);
        filled.map_err(|_| JournalError::Randomness)?;
        let millis = u64::try_from(self.clock.now().as_micros() / 1_000).unwrap_or_default();
        let id = Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
        Ok(AttemptId(id))
    }
}
