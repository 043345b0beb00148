//! `StreamGenerate`: streams an answer.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use latchkey_contract::router::v1::stream_generate_response::Event;
use latchkey_contract::router::v1::{
    GenerateRequest, StreamGenerateRequest, StreamGenerateResponse,
};
use tonic::Status;

use super::Inference;
use crate::dispatch::{AnswerStream, Piece};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: StreamGenerateRequest,
) -> Result<AnswerStream, RouterError> {
    match &request.request {
        Some(request) => begin(inference, call, request)
            .await
            .map_err(|error| error.within("request")),
        None => Err(RouterError::field("request", "is required")),
    }
}

async fn begin(
    inference: &Inference,
    call: &Call,
    request: &GenerateRequest,
) -> Result<AnswerStream, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let context = call.context(&scope);
    let prepared = inference.sessions.prepare(context, request).await?;
    let start = inference
        .dispatcher
        .stream_generate(context, &prepared.request);
    match start.await {
        Ok(pieces) => Ok(prepared.finish_stream(pieces)),
        Err(error) => Err(prepared.fail(error).await),
    }
}

/// Encodes the stream, and its error as a status.
pub(super) fn encode_stream(
    call: Call,
    stream: AnswerStream,
) -> Pin<Box<dyn Stream<Item = Result<StreamGenerateResponse, Status>> + Send>> {
    let encode = |piece| {
        let event = Some(match piece {
            Piece::Delta(delta) => Event::Delta(delta),
            Piece::Completed(whole) => Event::Completed(encode::answered(*whole)),
        });
        StreamGenerateResponse { event }
    };
    Box::pin(stream.map(move |step| step.map(encode).map_err(|error| call.refuse(error))))
}
