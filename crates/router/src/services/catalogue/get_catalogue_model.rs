//! `GetCatalogueModel`.

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
    let found = snapshot.catalogue.find(provider, name.model());
    let found = found.ok_or(RouterError::ModelNotFound)?;
    Ok(encode(&snapshot, found, models.clock.now()))
}
