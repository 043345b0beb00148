//! `Generate`.

use latchkey_contract::router::v1::{GenerateRequest, GenerateResponse};

use super::Inference;
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: &GenerateRequest,
) -> Result<GenerateResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let asked = call.context(&scope);
    let prepared = inference.sessions.prepare(asked, request).await?;
    let answered = inference.dispatcher.generate(asked, &prepared.request);
    let answered = answered.await.map_err(|error| prepared.blame(error));
    let mut answered = answered?;
    prepared.finish(&mut answered).await;
    Ok(encode::answered(answered))
}
