//! `UpsertCatalogueModel`: overrides a model.

use latchkey_contract::router::v1::{CatalogueModel, UpsertCatalogueModelRequest};

use super::Models;
use super::decode::decode;
use super::encode::encode;
use crate::catalogue::OverrideError;
use crate::error::RouterError;
use crate::services::call::Call;

pub(super) async fn handle(
    models: &Models,
    call: &Call,
    request: &UpsertCatalogueModelRequest,
) -> Result<CatalogueModel, RouterError> {
    call.authorize_deployment()?;
    let message = request
        .model
        .as_ref()
        .ok_or_else(|| RouterError::field("model", "is required"))?;
    let model = decode(message).map_err(|error| error.within("model"))?;
    let now = models.clock.now();
    models
        .catalogues
        .put(&model, now)
        .await
        .map_err(|error| match error {
            OverrideError::Rule(rule) => RouterError::field("model", rule),
            OverrideError::NameTaken(_) => RouterError::field("model.aliases", error),
            OverrideError::Store(error) => error.into(),
        })?;
    let snapshot = models.catalogues.snapshot();
    let stored = snapshot.catalogue.find(model.provider, &model.id);
    // Another operator may have deleted the override since. The answer is then the request's model.
    Ok(encode(&snapshot, stored.unwrap_or(&model), now))
}
