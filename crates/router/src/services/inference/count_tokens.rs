//! `CountTokens`.

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
    let asked = call.context(&scope);
    let prepared = inference.sessions.prepare(asked, request).await?;
    let counted = inference.dispatcher.count_tokens(asked, &prepared.request);
    let counted = counted.await.map_err(|error| prepared.blame(error));
    let Accounted {
        answer: input_tokens,
        attempts,
    } = counted?;
    Ok(CountTokensResponse {
        input_tokens,
        attempts: encode::attempts(&attempts),
    })
}
