//! Sending one request to a provider: find whose model it is, get the key, write the attempt down,
//! call, read the answer, settle the account.

mod attempt;
mod endpoint;
mod failure;
mod stream;
mod unary;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use latchkey_boot::clock::Clock;
use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::{self, GenerateRequest};
use latchkey_providers::Provider;
use latchkey_providers::catalogue::Catalogue;
use latchkey_providers::decode::Answer;
use latchkey_providers::encode::{self, Call, Exchange};
use ring::rand::{SecureRandom as _, SystemRandom};
use uuid::Builder;

use attempt::Open;
pub use endpoint::{Endpoints, ProviderConfig};
pub use stream::{AnswerStream, Piece};

use crate::domain::attempt::{Attempt, AttemptId, Begun, Origin};
use crate::error::RouterError;
use crate::keys::{InUse, Keys, Loan, Wish};
use crate::ledger::{JournalError, Ledger};
use crate::upstream::{Trust, Upstream};

/// Everything that a call needs.
pub struct Dispatcher {
    /// The loans.
    pub keys: Arc<Keys>,
    /// The way out.
    pub upstream: Arc<Upstream>,
    /// Where providers are.
    pub endpoints: Arc<Endpoints>,
    /// What is known of models.
    pub catalogue: Arc<Catalogue>,
    /// The account.
    pub ledger: Arc<Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identities.
    pub rng: SystemRandom,
}

/// An answer and its account.
pub struct Answered {
    /// What the model said.
    pub answer: Answer,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

/// A request that is about to be sent.
struct Prepared {
    exchange: Exchange,
    trust: Trust,
    loan: Arc<Loan>,
    open: Open,
    /// Counts as in flight while it is held.
    in_use: InUse,
}

impl Dispatcher {
    /// Gets the key and writes the request and its attempt. The journal has the attempt when this
    /// returns.
    async fn prepare(
        &self,
        scope: &Scope,
        requester: &Arc<str>,
        request: &GenerateRequest,
        stream: bool,
    ) -> Result<Prepared, RouterError> {
        let wish = self.wish(scope, request)?;
        let mut loan = self.keys.obtain(&wish).await?;
        let mut in_use = loan.begin_use(&*self.clock);
        if in_use.is_err() {
            // Withdrawn between the two lines: ask once more, so that no caller sees a race.
            loan = self.keys.obtain(&wish).await?;
            in_use = loan.begin_use(&*self.clock);
        }
        let in_use = in_use.map_err(|_| RouterError::VaultUnavailable)?;
        let model = match request.model.as_str() {
            "" => loan.default_model(),
            model => model,
        };
        let provider = loan.provider();
        let (base_url, trust) = self.endpoints.choose(provider, loan.base_url())?;
        let exchange = encode::generate(&Call {
            provider,
            base_url,
            api_key: loan.api_key(),
            model,
            traits: self.catalogue.traits(provider, model),
            request,
            stream,
        })?;
        let begun = Begun {
            id: self.attempt_id()?,
            scope: scope.clone(),
            key_version: loan.key_version().clone(),
            material_tail: loan.material_tail().to_owned(),
            payer: loan.payer(),
            provider: provider.as_str(),
            model: model.to_owned(),
            requester: Arc::clone(requester),
            origin: origin(request),
            streamed: stream,
            start_time: self.clock.now(),
        };
        let open = Open::begin(begun, self)?;
        Ok(Prepared {
            exchange,
            trust,
            loan,
            open,
            in_use,
        })
    }

    /// What to ask the vault for.
    fn wish(&self, scope: &Scope, request: &GenerateRequest) -> Result<Wish, RouterError> {
        if request.model.len() > LONGEST_NAME || request.model.contains(char::is_control) {
            let problem = "must be at most 256 bytes, none of them a control character";
            return Err(RouterError::field("model", problem));
        }
        let provider = match request.provider.as_str() {
            "" if !request.key.is_empty() => String::new(),
            "" if request.model.is_empty() => {
                return Err(RouterError::field("model", "is required without a key"));
            }
            "" => {
                let problem = "is required: the catalogue does not know whose the model is";
                let known = self.catalogue.provider_of(&request.model);
                let known = known.ok_or_else(|| RouterError::field("provider", problem))?;
                known.as_str().to_owned()
            }
            text => match text.parse::<Provider>() {
                Ok(provider) => provider.as_str().to_owned(),
                Err(error) => return Err(RouterError::field("provider", error)),
            },
        };
        Ok(Wish {
            scope: scope.clone(),
            key: request.key.clone(),
            provider,
            model: request.model.clone(),
        })
    }

    fn attempt_id(&self) -> Result<AttemptId, RouterError> {
        let mut bytes = [0; 10];
        let filled = self.rng.fill(&mut bytes);
        filled.map_err(|_| JournalError::Randomness)?;
        let millis = u64::try_from(self.clock.now().as_micros() / 1_000).unwrap_or_default();
        let id = Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
        Ok(AttemptId(id))
    }

    /// What dates in providers' headers are held against.
    fn system_time(&self) -> SystemTime {
        let micros = u64::try_from(self.clock.now().as_micros()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    }
}

/// Bytes or characters of what models and calls are named. They are kept with each attempt.
const LONGEST_NAME: usize = 256;

fn origin(request: &GenerateRequest) -> Origin {
    match request.origin() {
        v1::Origin::Automation => Origin::Automation,
        v1::Origin::Unspecified | v1::Origin::Interactive => Origin::Interactive,
    }
}
