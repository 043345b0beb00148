//! One request to several models at once. None has a fallback: what it can't do is its answer.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;
use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::{Alternative, GenerateRequest};
use tokio::time::Instant;

use super::conditions::Conditions;
use super::generate::{Answered, Generate};
use super::plan::ModelTarget;
use super::request::DispatchRequest;
use super::{Dispatcher, Request};
use crate::error::RouterError;

/// What each of the models made of a request, as it comes: its place among them, and its answer or
/// why there is none. To drop the stream is to cancel the calls.
pub type ComparedStream = Pin<Box<dyn Stream<Item = Compared> + Send>>;

/// What one model made of it.
pub type Compared = (usize, Result<Answered, RouterError>);

impl Dispatcher {
    /// Puts a request to several models.
    pub fn compare(
        self: &Arc<Self>,
        request: Request<'_>,
        wanted: GenerateRequest,
        alternatives: &[Alternative],
    ) -> Result<ComparedStream, RouterError> {
        check(&wanted, alternatives)?;
        let conditions = Conditions::read(wanted.funding.as_ref(), wanted.expectations.as_ref())
            .map_err(|error| error.within("request"))?;
        let catalogue = self.catalogue.current();
        let comparing = Arc::new(Comparing {
            dispatcher: Arc::clone(self),
            scope: request.scope.clone(),
            requester: Arc::clone(request.requester),
            deadline: request.deadline,
            conditions,
            wanted,
        });
        let answers = FuturesUnordered::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let said = (
                &*alternative.provider,
                &*alternative.model,
                &*alternative.key,
            );
            let field = |name: &str| format!("alternatives[{index}].{name}");
            let target = ModelTarget::new(said, &catalogue, field)?;
            let comparing = Arc::clone(&comparing);
            answers.push(async move { (index, comparing.answer(target).await) });
        }
        Ok(Box::pin(answers))
    }
}

/// What the calls share: a prompt may be large.
struct Comparing {
    dispatcher: Arc<Dispatcher>,
    scope: Scope,
    requester: Arc<str>,
    deadline: Option<Instant>,
    conditions: Conditions,
    wanted: GenerateRequest,
}

impl Comparing {
    async fn answer(&self, target: ModelTarget) -> Result<Answered, RouterError> {
        let request = Request {
            scope: &self.scope,
            requester: &self.requester,
            deadline: self.deadline,
        };
        let conditions = self.conditions.clone();
        let asked = DispatchRequest::one(request, target, self.wanted.origin(), conditions);
        self.dispatcher.answer(asked, &Generate(&self.wanted)).await
    }
}

/// Whom to ask, the alternatives say.
fn check(wanted: &GenerateRequest, alternatives: &[Alternative]) -> Result<(), RouterError> {
    let said = [
        ("provider", !wanted.provider.is_empty()),
        ("model", !wanted.model.is_empty()),
        ("key", !wanted.key.is_empty()),
        ("fallbacks", !wanted.fallbacks.is_empty()),
    ];
    if let Some((field, _)) = said.iter().find(|(_, is_said)| *is_said) {
        let field = format!("request.{field}");
        return Err(RouterError::field(field, "must be empty"));
    }
    if !(1..=MAX_ALTERNATIVES).contains(&alternatives.len()) {
        return Err(RouterError::field("alternatives", "must be 1 to 8"));
    }
    Ok(())
}

const MAX_ALTERNATIVES: usize = 8;
