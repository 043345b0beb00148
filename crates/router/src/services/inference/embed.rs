//! `Embed`: returns embedding vectors.

use latchkey_contract::router::v1::{EmbedRequest, EmbedResponse, Embedding};

use crate::dispatch::{Accounted, Dispatcher};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    dispatcher: &Dispatcher,
    call: &Call,
    request: &EmbedRequest,
) -> Result<EmbedResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let Accounted {
        answer: embeddings,
        attempts,
    } = dispatcher.embed(call.context(&scope), request).await?;
    let vectors = embeddings.vectors.into_iter();
    Ok(EmbedResponse {
        embeddings: vectors.map(|values| Embedding { values }).collect(),
        model: embeddings.model,
        usage: encode::total_usage(&attempts),
        attempts: encode::attempts(&attempts),
    })
}
