//! `Compare`: sends one request to several models, and streams their answers.

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
use crate::sessions::FieldOffset;

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: CompareRequest,
) -> Result<(ComparedStream, FieldOffset), RouterError> {
    let within = |error: RouterError| error.within("request");
    let Some(wanted) = request.request else {
        return Err(RouterError::field("request", "is required"));
    };
    let scope = call.scope(&wanted.parent).await.map_err(within)?;
    let context = call.context(&scope);
    let (expanded, offset) = inference
        .sessions
        .prepare_to_read(context, &wanted)
        .await
        .map_err(within)?
        .into_parts();
    // The alternatives select the models, so the session's settings must not.
    let request_of_all = GenerateRequest {
        provider: wanted.provider,
        model: wanted.model,
        key: wanted.key,
        ..expanded
    };
    let compared = inference
        .dispatcher
        .compare(context, request_of_all, &request.alternatives)?;
    Ok((compared, offset))
}

/// Encodes the stream. The failure of one model is an element of the stream.
pub(super) fn encode_stream(
    call: Call,
    (stream, offset): (ComparedStream, FieldOffset),
) -> Pin<Box<dyn Stream<Item = Result<CompareResponse, Status>> + Send>> {
    Box::pin(stream.map(move |(index, outcome): Compared| {
        let outcome = match outcome {
            Ok(mut answered) => {
                offset.losses_to_caller(&mut answered.portability);
                Outcome::Answer(encode::answered(answered))
            }
            Err(error) => {
                let failed = offset.error_to_caller(error);
                call.log_error(&failed);
                Outcome::Failure(failure(&failed))
            }
        };
        Ok(CompareResponse {
            index: i32::try_from(index).expect("there are at most 8 alternatives"),
            outcome: Some(outcome),
        })
    }))
}

fn failure(error: &RouterError) -> CompareFailure {
    let refusal = status::refusal(error);
    CompareFailure {
        code: refusal.reason().code().into(),
        reason: refusal.reason().to_string(),
        message: refusal.message().to_owned(),
        metadata: refusal.into_metadata().collect(),
    }
}
