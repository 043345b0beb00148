//! `Generate`.

use latchkey_contract::names::Scope;
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
    let scope: Scope = request
        .parent
        .parse()
        .map_err(RouterError::name("parent"))?;
    call.authorize(scope.workspace())?;
    dispatcher
        .generate(&scope, call.actor(), request)
        .await
        .map(encode::answered)
}
