//! `Compare`.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use latchkey_contract::router::v1::compare_response::Outcome;
use latchkey_contract::router::v1::{CompareFailure, CompareRequest, CompareResponse};
use tonic::Status;

use super::prepared::prepared;
use crate::dispatch::{Compared, ComparedStream, Dispatcher};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::{encode, status};

pub(super) async fn handle(
    dispatcher: &Arc<Dispatcher>,
    call: &Call,
    request: CompareRequest,
) -> Result<ComparedStream, RouterError> {
    let within = |error: RouterError| error.within("request");
    let Some(wanted) = request.request else {
        return Err(RouterError::field("request", "is required"));
    };
    let scope = call.scope(&wanted.parent).await.map_err(within)?;
    let wanted = prepared(Cow::Owned(wanted)).map_err(within)?.into_owned();
    dispatcher.compare(call.asks_for(&scope), wanted, &request.alternatives)
}

/// The stream on the wire. What one model fails with is its answer.
pub(super) fn answering(
    call: Call,
    stream: ComparedStream,
) -> Pin<Box<dyn Stream<Item = Result<CompareResponse, Status>> + Send>> {
    Box::pin(stream.map(move |(index, outcome): Compared| {
        let outcome = match outcome {
            Ok(answered) => Outcome::Answer(encode::answered(answered)),
            Err(error) => {
                call.note(&error);
                Outcome::Failure(failure(&error))
            }
        };
        Ok(CompareResponse {
            index: i32::try_from(index).expect("there are at most 8 alternatives"),
            outcome: Some(outcome),
        })
    }))
}

fn failure(error: &RouterError) -> CompareFailure {
    let said = status::refusal(error);
    CompareFailure {
        code: said.code().into(),
        reason: said.reason().to_owned(),
        message: said.message().to_owned(),
        metadata: said.into_metadata().collect(),
    }
}
