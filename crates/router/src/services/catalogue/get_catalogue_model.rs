//! `GetCatalogueModel`: returns a model with its present prices.

use latchkey_contract::router::v1::{CatalogueModel, GetCatalogueModelRequest};

use super::encode::encode;
use super::{Models, parse};
use crate::error::RouterError;
use crate::services::call::Call;

pub(super) fn handle(
    models: &Models,
    call: &Call,
    request: &GetCatalogueModelRequest,
) -> Result<CatalogueModel, RouterError> {
    call.authorize_anywhere()?;
    let (provider, name) = parse("name", &request.name)?;
    let snapshot = models.catalogues.snapshot();
    let model = snapshot
        .catalogue
        .find(provider, name.model())
        .ok_or(RouterError::ModelNotFound)?;
    Ok(encode(&snapshot, model, models.clock.now()))
}
