//! A request that is answered whole.

use std::sync::Arc;

use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::GenerateRequest;
use latchkey_providers::decode::{self, Answer};
use tokio::time::Instant;

use super::attempt::Open;
use super::{Answered, Dispatcher, Prepared, failure};
use crate::error::RouterError;
use crate::upstream::collect;

impl Dispatcher {
    /// Answers a request.
    pub async fn generate(
        &self,
        scope: &Scope,
        requester: &Arc<str>,
        request: &GenerateRequest,
    ) -> Result<Answered, RouterError> {
        let Prepared {
            exchange,
            trust,
            loan,
            mut open,
            in_use,
        } = self.prepare(scope, requester, request, false).await?;
        let until = Instant::now() + self.upstream.config().total_timeout;
        let called = async {
            let response = self.upstream.send(exchange.request, trust, until).await?;
            let (head, body) = response.into_parts();
            open.head(&head);
            let body = collect(body, until).await?;
            open.first_byte();
            let (dialect, key, now) = (exchange.dialect, loan.api_key(), self.system_time());
            let answer = decode::unary(dialect, head.status, &head.headers, &body, key, now);
            Ok(answer?)
        };
        let outcome: Result<_, RouterError> = called.await;
        drop(in_use);
        match outcome {
            Ok(answer) => Ok(settle(open, answer)),
            Err(error) => {
                if let RouterError::Provider(refused) = &error {
                    failure::report(&self.keys, &loan, refused);
                }
                open.fail(&error);
                Err(error)
            }
        }
    }
}

/// Settles the account of an answer.
pub(super) fn settle(open: Open, answer: Answer) -> Answered {
    let attempt = open.succeed(&answer.model, answer.usage);
    Answered {
        answer,
        attempts: attempt.into_iter().collect(),
    }
}
