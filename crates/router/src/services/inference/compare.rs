//! `Compare`.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use latchkey_contract::router::v1::compare_response::Outcome;
use latchkey_contract::router::v1::{
    CompareFailure, CompareRequest, CompareResponse, GenerateRequest,
};
use tonic::Status;

use super::Inference;
use crate::dispatch::{Compared, ComparedStream};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::{encode, status};
use crate::sessions::Placing;

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: CompareRequest,
) -> Result<(ComparedStream, Placing), RouterError> {
    let within = |error: RouterError| error.within("request");
    let Some(wanted) = request.request else {
        return Err(RouterError::field("request", "is required"));
    };
    let scope = call.scope(&wanted.parent).await.map_err(within)?;
    let asked = call.context(&scope);
    let prepared = inference.sessions.prepare(asked, &wanted).await;
    let (whole, placing) = prepared.map_err(within)?.into_parts();
    // The alternatives say whom to ask; the session does not.
    let whole = GenerateRequest {
        provider: wanted.provider,
        model: wanted.model,
        key: wanted.key,
        ..whole
    };
    let compared = inference
        .dispatcher
        .compare(asked, whole, &request.alternatives)?;
    Ok((compared, placing))
}

/// The stream on the wire. What one model fails with is its answer.
pub(super) fn answering(
    call: Call,
    (stream, placing): (ComparedStream, Placing),
) -> Pin<Box<dyn Stream<Item = Result<CompareResponse, Status>> + Send>> {
    Box::pin(stream.map(move |(index, outcome): Compared| {
        let outcome = match outcome {
            Ok(mut answered) => {
                placing.place(&mut answered.portability);
                Outcome::Answer(encode::answered(answered))
            }
            Err(error) => {
                let error = placing.blame(error);
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
        code: said.reason().code().into(),
        reason: said.reason().to_string(),
        message: said.message().to_owned(),
        metadata: said.into_metadata().collect(),
    }
}
