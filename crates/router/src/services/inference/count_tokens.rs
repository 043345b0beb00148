//! `CountTokens`.

use latchkey_contract::router::v1::{CountTokensRequest, CountTokensResponse, GenerateRequest};

use crate::dispatch::{Counted, Dispatcher};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    dispatcher: &Dispatcher,
    call: &Call,
    request: &CountTokensRequest,
) -> Result<CountTokensResponse, RouterError> {
    match &request.request {
        Some(request) => count(dispatcher, call, request)
            .await
            .map_err(|error| error.within("request")),
        None => Err(RouterError::field("request", "is required")),
    }
}

async fn count(
    dispatcher: &Dispatcher,
    call: &Call,
    request: &GenerateRequest,
) -> Result<CountTokensResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let counted = dispatcher.count_tokens(call.asks_for(&scope), request);
    let Counted {
        input_tokens,
        attempts,
    } = counted.await?;
    Ok(CountTokensResponse {
        input_tokens,
        attempts: encode::attempts(&attempts),
    })
}
