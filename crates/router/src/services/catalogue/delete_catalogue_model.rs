//! `DeleteCatalogueModel`: deletes an operator's override of a model.

use latchkey_contract::router::v1::{DeleteCatalogueModelRequest, DeleteCatalogueModelResponse};

use super::{Models, parse};
use crate::error::RouterError;
use crate::services::call::Call;

pub(super) async fn handle(
    models: &Models,
    call: &Call,
    request: &DeleteCatalogueModelRequest,
) -> Result<DeleteCatalogueModelResponse, RouterError> {
    call.authorize_deployment()?;
    let (provider, name) = parse("name", &request.name)?;
    let provider = provider.as_str();
    if models.catalogues.delete(provider, name.model()).await? {
        Ok(DeleteCatalogueModelResponse {})
    } else {
        Err(RouterError::ModelNotFound)
    }
}
