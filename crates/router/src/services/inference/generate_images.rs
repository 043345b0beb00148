//! `GenerateImages`: returns generated images.

use latchkey_contract::router::v1::{GenerateImagesRequest, GenerateImagesResponse};

use crate::dispatch::{Accounted, Dispatcher};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    dispatcher: &Dispatcher,
    call: &Call,
    request: &GenerateImagesRequest,
) -> Result<GenerateImagesResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let Accounted {
        answer: images,
        attempts,
    } = dispatcher
        .generate_images(call.context(&scope), request)
        .await?;
    Ok(GenerateImagesResponse {
        images: images.images,
        model: images.model,
        usage: encode::total_usage(&attempts),
        attempts: encode::attempts(&attempts),
    })
}
