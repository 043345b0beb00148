//! `ListCatalogueModels`: lists models by provider and id.

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{ListCatalogueModelsRequest, ListCatalogueModelsResponse};
use latchkey_providers::catalogue::Model;

use super::Models;
use super::encode::encode;
use crate::error::RouterError;
use crate::services::call::Call;

pub(super) fn handle(
    models: &Models,
    call: &Call,
    request: &ListCatalogueModelsRequest,
) -> Result<ListCatalogueModelsResponse, RouterError> {
    call.authorize_anywhere()?;
    let provider: Option<ProviderId> = match request.provider.as_str() {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|error| RouterError::field("provider", error))?,
        ),
    };
    let page = call.page(request.page_size, &request.page_token, &[&request.provider])?;
    let after = page.after.as_deref().map(cursor).transpose()?;
    let snapshot = models.catalogues.snapshot();
    let mut listed: Vec<&Model> = snapshot
        .catalogue
        .models()
        .iter()
        .filter(|model| provider.is_none_or(|provider| model.provider == provider))
        .filter(|model| after.is_none_or(|after| key(model) > after))
        .collect();
    listed.sort_unstable_by_key(|model| key(model));
    let next_page_token = page.finish(&mut listed, |model| {
        let (provider, id) = key(model);
        format!("{provider}/{id}")
    });
    let now = models.clock.now();
    Ok(ListCatalogueModelsResponse {
        models: listed
            .into_iter()
            .map(|model| encode(&snapshot, model, now))
            .collect(),
        next_page_token,
    })
}

fn key(model: &Model) -> (&'static str, &str) {
    (model.provider.as_str(), &model.id)
}

fn cursor(text: &str) -> Result<(&str, &str), RouterError> {
    text.split_once('/')
        .ok_or_else(|| RouterError::field("page_token", "is not a token of this list"))
}
