//! Sending one request to a provider: find whose model it is, get the key, write the attempt down,
//! call, read the answer, settle the account; and try again where that may help.

mod accounted;
mod attempt;
mod candidates;
mod compare;
mod conditions;
mod config;
mod count_tokens;
mod embed;
mod endpoint;
mod estimate;
mod explain;
mod failure;
mod generate;
mod health;
mod images;
mod operation;
mod options;
mod plan;
mod prepared;
mod request;
mod stream;
mod trying;

use std::sync::Arc;

use latchkey_clock::Clock;
use latchkey_contract::names::Scope;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;
use uuid::Builder;

pub use accounted::Accounted;
pub use compare::{Compared, ComparedStream};
pub use config::AttemptsConfig;
pub use endpoint::{EndpointError, Endpoints, ProviderConfig};
pub use explain::{CandidateReport, Question, TargetReport};
pub use generate::Answered;
pub use health::{KeyHealth, Limits, Unavailable};
pub use stream::{AnswerStream, Piece};

use crate::catalogue::Catalogues;
use crate::domain::attempt::AttemptId;
use crate::error::RouterError;
use crate::keys::Keys;
use crate::ledger::{JournalError, Ledger};
use crate::upstream::Upstream;

/// Everything that a call needs.
pub struct Dispatcher {
    /// The leases.
    pub keys: Arc<Keys>,
    /// The way out.
    pub upstream: Arc<Upstream>,
    /// Where providers are.
    pub endpoints: Arc<Endpoints>,
    /// What is known of models.
    pub catalogue: Arc<Catalogues>,
    /// The account.
    pub ledger: Arc<Ledger>,
    /// How often it is tried.
    pub attempts: AttemptsConfig,
    /// What recent calls tell of keys.
    pub health: KeyHealth,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identities.
    pub rng: SystemRandom,
}

/// Who asks, for what scope, and until when.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The scope.
    pub scope: &'a Scope,
    /// The caller's identity.
    pub requester: &'a Arc<str>,
    /// The caller's deadline.
    pub deadline: Option<Instant>,
}

/// What is there by a caller's deadline.
pub async fn in_time<T>(
    deadline: Option<Instant>,
    asked: impl Future<Output = Result<T, RouterError>>,
) -> Result<T, RouterError> {
    match deadline {
        None => asked.await,
        Some(deadline) => tokio::time::timeout_at(deadline, asked)
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

/// Bytes or characters of what models and calls are named. They are kept with each attempt.
const MAX_NAME_BYTES: usize = 256;
