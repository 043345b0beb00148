//! One request to several models at once. None of them has a fallback: its failure is its answer.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt as _};
use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::{Alternative, GenerateRequest};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::generate::{Answered, Generate};
use crate::dispatch::Dispatcher;
use crate::dispatch::conditions::Conditions;
use crate::dispatch::message::RequestMessage as _;
use crate::dispatch::plan;
use crate::dispatch::request::{CallContext, DispatchRequest};
use crate::domain::model_target::ModelTarget;
use crate::domain::target_fields::TargetFields;
use crate::error::RouterError;

/// The answers of the models, as they come. Dropping the stream cancels the calls.
pub type ComparedStream = Pin<Box<dyn Stream<Item = Compared> + Send>>;

/// The place of a model among the alternatives, and its answer or why there is none.
pub type Compared = (usize, Result<Answered, RouterError>);

const MAX_ALTERNATIVES: usize = 8;

impl Dispatcher {
    /// Sends a request to several models.
    pub fn compare(
        self: &Arc<Self>,
        context: CallContext<'_>,
        message: GenerateRequest,
        alternatives: &[Alternative],
    ) -> Result<ComparedStream, RouterError> {
        check(&message, alternatives)?;
        let conditions = message
            .conditions()
            .map_err(|error| error.within("request"))?;
        let catalogue = self.catalogue.current();
        let comparison = Arc::new(Comparison {
            dispatcher: Arc::clone(self),
            scope: context.scope.clone(),
            requester: Arc::clone(context.requester),
            deadline: context.deadline,
            conditions,
            message,
        });
        let answers = FuturesUnordered::new();
        for (index, alternative) in alternatives.iter().enumerate() {
            let fields = TargetFields {
                provider: &alternative.provider,
                model: &alternative.model,
                key: &alternative.key,
            };
            let field = |name: &str| format!("alternatives[{index}].{name}");
            let target = plan::target(fields, &catalogue, field)?;
            let comparison = Arc::clone(&comparison);
            let answer = async move { (index, comparison.answer(target).await) };
            // A task of its own: a caller that reads slowly must not hold up the other models.
            let task = tokio::spawn(answer.in_current_span());
            answers.push(AbortOnDropHandle::new(task));
        }
        Ok(Box::pin(answers.map(|ended| match ended {
            Ok(answer) => answer,
            // Nothing aborts the task while its handle is there.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        })))
    }
}

/// What the calls share: a prompt may be large.
struct Comparison {
    dispatcher: Arc<Dispatcher>,
    scope: Scope,
    requester: Arc<str>,
    deadline: Option<Instant>,
    conditions: Conditions,
    message: GenerateRequest,
}

impl Comparison {
    async fn answer(&self, target: ModelTarget) -> Result<Answered, RouterError> {
        let context = CallContext {
            scope: &self.scope,
            requester: &self.requester,
            deadline: self.deadline,
        };
        let (origin, conditions) = (self.message.origin(), self.conditions.clone());
        let request = DispatchRequest::new(context, target, origin, conditions);
        let operation = Generate(&self.message);
        self.dispatcher.answer(request, &operation).await
    }
}

/// The alternatives name the models, so the request itself must not.
fn check(message: &GenerateRequest, alternatives: &[Alternative]) -> Result<(), RouterError> {
    let fields = [
        ("provider", message.provider.is_empty()),
        ("model", message.model.is_empty()),
        ("key", message.key.is_empty()),
        ("fallbacks", message.fallbacks.is_empty()),
    ];
    if let Some((field, _)) = fields.iter().find(|(_, is_empty)| !is_empty) {
        let field = format!("request.{field}");
        return Err(RouterError::field(
            field,
            "must be empty, since the alternatives select the models",
        ));
    }
    if !(1..=MAX_ALTERNATIVES).contains(&alternatives.len()) {
        return Err(RouterError::field(
            "alternatives",
            "must have 1 to 8 entries",
        ));
    }
    Ok(())
}
