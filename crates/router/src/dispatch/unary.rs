//! A request that is answered whole.

use std::sync::Arc;
use std::time::SystemTime;

use latchkey_contract::names::Scope;
use latchkey_contract::router::v1::GenerateRequest;
use latchkey_providers::decode::{self, Answer};
use latchkey_providers::error::request_id;

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
        let called = async {
            let response = self.upstream.send(exchange.request, trust).await?;
            let (head, body) = response.into_parts();
            open.head(head.status.as_u16());
            let body = collect(body, self.upstream.config().total_timeout).await?;
            open.first_byte();
            let now = SystemTime::now();
            let dialect = exchange.dialect;
            let answer = decode::unary(
                dialect,
                head.status,
                &head.headers,
                &body,
                loan.api_key(),
                now,
            )?;
            Ok((answer, request_id(&head.headers)))
        };
        let outcome: Result<_, RouterError> = called.await;
        drop(in_use);
        match outcome {
            Ok((answer, request_id)) => Ok(settle(open, answer, request_id)),
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
pub(super) fn settle(open: Open, answer: Answer, request_id: Option<String>) -> Answered {
    let attempt = open.succeed(&answer.model, request_id, answer.usage);
    Answered {
        answer,
        attempts: attempt.into_iter().collect(),
    }
}
