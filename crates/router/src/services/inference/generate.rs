//! `Generate`.

use latchkey_contract::router::v1::{GenerateRequest, GenerateResponse};

use crate::dispatch::Dispatcher;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    dispatcher: &Dispatcher,
    call: &Call,
    request: &GenerateRequest,
) -> Result<GenerateResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    dispatcher
        .generate(call.asks_for(&scope), request)
        .await
        .map(encode::answered)
}
