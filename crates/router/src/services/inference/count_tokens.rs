//! `CountTokens`: counts the tokens of a prompt at its provider.

use latchkey_contract::router::v1::{CountTokensRequest, CountTokensResponse, GenerateRequest};

use super::Inference;
use crate::dispatch::Accounted;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: &CountTokensRequest,
) -> Result<CountTokensResponse, RouterError> {
    match &request.request {
        Some(request) => count(inference, call, request)
            .await
            .map_err(|error| error.within("request")),
        None => Err(RouterError::field("request", "is required")),
    }
}

async fn count(
    inference: &Inference,
    call: &Call,
    request: &GenerateRequest,
) -> Result<CountTokensResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let context = call.context(&scope);
    let prepared = inference.sessions.prepare_to_read(context, request).await?;
    let Accounted {
        answer: input_tokens,
        attempts,
    } = inference
        .dispatcher
        .count_tokens(context, &prepared.request)
        .await
        .map_err(|error| prepared.error_to_caller(error))?;
    Ok(CountTokensResponse {
        input_tokens,
        attempts: encode::attempts(&attempts),
    })
}
