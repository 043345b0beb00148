//! `Explain`.

use latchkey_contract::router::v1::explain_request::Request as Explained;
use latchkey_contract::router::v1::{
    ExplainRequest, ExplainResponse, ExplainedKey, ExplainedModel, ExplainedRefusal,
};

use super::Inference;
use crate::dispatch::{KeyOutlook, Outlook, Question};
use crate::error::RouterError;
use crate::services::call::Call;
use crate::services::{encode, status};

pub(super) async fn handle(
    inference: &Inference,
    call: &Call,
    request: &ExplainRequest,
) -> Result<ExplainResponse, RouterError> {
    let Some(request) = &request.request else {
        return Err(RouterError::field("request", "is required"));
    };
    let (field, parent) = match request {
        Explained::Generate(request) => ("generate", &request.parent),
        Explained::Embed(request) => ("embed", &request.parent),
        Explained::GenerateImages(request) => ("generate_images", &request.parent),
    };
    let explained = explain(inference, call, parent, request).await;
    explained.map_err(|error| error.within(field))
}

async fn explain(
    inference: &Inference,
    call: &Call,
    parent: &str,
    request: &Explained,
) -> Result<ExplainResponse, RouterError> {
    let scope = call.scope(parent).await?;
    let asked = call.asks_for(&scope);
    let prepared;
    let question = match request {
        Explained::Generate(request) => {
            prepared = inference.sessions.look(asked, request).await?;
            Question::Generate(&prepared.request)
        }
        Explained::Embed(request) => Question::Embed(request),
        Explained::GenerateImages(request) => Question::GenerateImages(request),
    };
    let outlooks = inference.dispatcher.explain(asked, question).await?;
    Ok(ExplainResponse {
        models: outlooks.into_iter().map(model).collect(),
    })
}

fn model(outlook: Outlook) -> ExplainedModel {
    ExplainedModel {
        provider: outlook.provider,
        model: outlook.model,
        fallback: outlook.fallback,
        keys: outlook.keys.into_iter().map(key).collect(),
        refusal: outlook.refusal.as_ref().map(refusal),
    }
}

fn key(outlook: KeyOutlook) -> ExplainedKey {
    ExplainedKey {
        key: outlook.key_version.key.to_string(),
        key_version: outlook.key_version.to_string(),
        material_tail: outlook.material_tail,
        provider: outlook.provider.to_string(),
        payer: encode::payer(outlook.payer).into(),
        model: outlook.model,
        location: outlook.location,
        step: outlook.step,
        weight: outlook.weight,
        rule: outlook.rule,
        detail: outlook.detail,
        until_time: outlook.until.map(encode::time),
        price: Some(outlook.price),
    }
}

fn refusal(error: &RouterError) -> ExplainedRefusal {
    let said = status::refusal(error);
    ExplainedRefusal {
        reason: said.reason().to_owned(),
        message: said.message().to_owned(),
        metadata: said.into_metadata().collect(),
    }
}
