//! `Explain`: simulates the selection of models and keys.

use latchkey_contract::router::v1::explain_request::Request as Explained;
use latchkey_contract::router::v1::{
    ExplainRequest, ExplainResponse, ExplainedKey, ExplainedModel, ExplainedRefusal,
};

use super::Inference;
use crate::dispatch::{CandidateReport, ExplainedRequest, TargetReport};
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
    explain(inference, call, parent, request)
        .await
        .map_err(|error| error.within(field))
}

async fn explain(
    inference: &Inference,
    call: &Call,
    parent: &str,
    request: &Explained,
) -> Result<ExplainResponse, RouterError> {
    let scope = call.scope(parent).await?;
    let context = call.context(&scope);
    let prepared;
    let explained = match request {
        Explained::Generate(request) => {
            prepared = inference.sessions.prepare_dry_run(context, request).await?;
            ExplainedRequest::Generate(&prepared.request)
        }
        Explained::Embed(request) => ExplainedRequest::Embed(request),
        Explained::GenerateImages(request) => ExplainedRequest::GenerateImages(request),
    };
    let reports = inference.dispatcher.explain(context, explained).await?;
    Ok(ExplainResponse {
        models: reports.into_iter().map(model).collect(),
    })
}

fn model(report: TargetReport) -> ExplainedModel {
    ExplainedModel {
        provider: encode::text(report.provider),
        model: encode::text(report.model),
        fallback: report.fallback,
        keys: report.keys.into_iter().map(key).collect(),
        refusal: report.refusal.as_deref().map(refusal),
    }
}

fn key(report: CandidateReport) -> ExplainedKey {
    ExplainedKey {
        key: report.key_version.key.to_string(),
        key_version: report.key_version.to_string(),
        material_tail: report.material_tail,
        provider: report.provider.to_string(),
        payer: encode::payer(report.payer).into(),
        model: encode::text(report.model),
        location: report.location,
        step: report.step,
        weight: report.weight,
        rule: report.rule,
        detail: report.detail,
        until_time: report.until.map(encode::time),
        price: Some(report.price),
    }
}

fn refusal(error: &RouterError) -> ExplainedRefusal {
    let refusal = status::refusal(error);
    ExplainedRefusal {
        reason: refusal.reason().to_string(),
        message: refusal.message().to_owned(),
        metadata: refusal.into_metadata().collect(),
    }
}
