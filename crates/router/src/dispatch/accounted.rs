//! What is answered whole, and its account.

use super::Dispatcher;
use super::operation::Operation;
use super::request::DispatchRequest;
use crate::domain::attempt::Attempt;
use crate::error::RouterError;

/// An answer and its account.
pub struct Accounted<T> {
    /// What the provider said.
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
    /// Tries until there is an answer, with the account of every call.
    pub(super) async fn account_for<T, O: Operation<Answer = Accounted<T>>>(
        &self,
        asked: DispatchRequest<'_>,
        operation: &O,
    ) -> Result<Accounted<T>, RouterError> {
        let (mut accounted, mut attempts) = self.try_all(asked, operation).await?;
        attempts.append(&mut accounted.attempts);
        accounted.attempts = attempts;
        Ok(accounted)
    }
}
