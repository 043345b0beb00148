//! `Generate`: returns a whole answer.

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
    let context = call.context(&scope);
    let prepared = inference.sessions.prepare(context, request).await?;
    let outcome = inference
        .dispatcher
        .generate(context, &prepared.request)
        .await;
    match outcome {
        Ok(mut answered) => {
            prepared.finish(&mut answered).await;
            Ok(encode::answered(answered))
        }
        Err(error) => Err(prepared.fail(error).await),
    }
}
