//! `GenerateImages`.

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
    let pictured = dispatcher.generate_images(call.context(&scope), request);
    let Accounted {
        answer: images,
        attempts,
    } = pictured.await?;
    Ok(GenerateImagesResponse {
        images: images.images,
        model: images.model,
        usage: encode::used(&attempts),
        attempts: encode::attempts(&attempts),
    })
}
