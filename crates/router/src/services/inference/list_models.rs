//! `ListModels`: lists the models that the keys of a scope reach.

use std::ops::Bound;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::{
    ListModelsRequest, ListModelsResponse, ModelListFailure, ReachableModel,
};

use crate::domain::key_ref::KeyRef;
use crate::error::RouterError;
use crate::listing::{Failure, ListQuery, Listing, Reachable, operations};
use crate::services::call::Call;
use crate::services::encode;

pub(super) async fn handle(
    listing: &Listing,
    call: &Call,
    request: &ListModelsRequest,
) -> Result<ListModelsResponse, RouterError> {
    let scope = call.scope(&request.parent).await?;
    let provider = match request.provider.as_str() {
        "" => None,
        text => Some(provider("provider", text)?),
    };
    let key = match request.key.as_str() {
        "" => None,
        text => Some(
            text.parse::<KeyRef>()
                .map_err(|error| RouterError::field("key", error))?,
        ),
    };
    let arguments = [&*request.parent, &*request.provider, &*request.key];
    let page = call.page(request.page_size, &request.page_token, &arguments)?;
    let after = page.after.as_deref().map(cursor).transpose()?;
    let query = ListQuery {
        scope: &scope,
        caller: call.actor(),
        provider,
        key,
        refresh: request.refresh,
    };
    let reach = call.in_time(listing.reach(&query)).await?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let rest = reach.models.range((from, Bound::Unbounded));
    let mut listed: Vec<_> = rest.take(limit).collect();
    let next_page_token = page.finish(&mut listed, |((provider, model), _)| {
        format!("{provider}/{model}")
    });
    Ok(ListModelsResponse {
        models: listed
            .into_iter()
            .map(|((provider, _), reachable)| model(*provider, reachable))
            .collect(),
        next_page_token,
        failures: reach.failures.iter().map(failure).collect(),
    })
}

fn provider(field: &str, text: &str) -> Result<ProviderId, RouterError> {
    text.parse()
        .map_err(|error| RouterError::field(field, error))
}

fn cursor(text: &str) -> Result<(ProviderId, String), RouterError> {
    let problem = || RouterError::field("page_token", "is not a token of this list");
    let (provider, model) = text.split_once('/').ok_or_else(problem)?;
    let provider = provider.parse().map_err(|_| problem())?;
    Ok((provider, model.to_owned()))
}

fn model(provider: ProviderId, reachable: &Reachable) -> ReachableModel {
    let listed = &reachable.listed;
    ReachableModel {
        provider: provider.as_str().to_owned(),
        model: listed.id.clone(),
        display_name: listed.display_name.clone(),
        keys: reachable.keys.iter().map(ToString::to_string).collect(),
        max_input_tokens: listed.max_input_tokens.unwrap_or_default(),
        max_output_tokens: listed.max_output_tokens.unwrap_or_default(),
        operations: operations(listed)
            .iter()
            .map(|operation| i32::from(*operation))
            .collect(),
        fetch_time: Some(encode::time(reachable.fetch_time)),
    }
}

fn failure(failure: &Failure) -> ModelListFailure {
    ModelListFailure {
        key: failure.key.to_string(),
        provider: failure.provider.as_str().to_owned(),
        reason: failure.error.reason().to_string(),
        message: failure.error.to_string(),
    }
}
