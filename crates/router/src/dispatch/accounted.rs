//! A whole answer with the attempts that led to it.

use super::Dispatcher;
use super::operations::Operation;
use super::request::DispatchRequest;
use crate::domain::attempt::Attempt;
use crate::error::RouterError;

/// An answer, and the attempts that led to it.
pub struct Accounted<T> {
    /// The provider's answer.
    pub answer: T,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

impl<T> Accounted<T> {
    /// The answer of one call.
    pub(super) fn new(answer: T, attempt: Option<Attempt>) -> Self {
        Self {
            answer,
            attempts: attempt.into_iter().collect(),
        }
    }
}

impl Dispatcher {
    /// Calls providers until one answers, and returns all attempts with the answer.
    pub(super) async fn perform_accounted<T, O: Operation<Answer = Accounted<T>>>(
        &self,
        request: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<Accounted<T>, RouterError> {
        let (mut accounted, mut attempts) = self.perform(request, operation).await?;
        attempts.append(&mut accounted.attempts);
        accounted.attempts = attempts;
        Ok(accounted)
    }
}
