//! The vault's refusals, read from a status or from a response.

use std::collections::HashMap;

use latchkey_contract::vault::v1::Refusal;
use latchkey_contract::{FALLBACKS_METADATA, ProviderId, Reason, decode_fallbacks};
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::domain::model_target::ModelTarget;
use crate::domain::refusal::VaultRefusal;
use crate::error::RouterError;

/// The reasons that concern the caller. Any other failure is between router and vault.
const FOR_THE_CALLER: &[Reason] = &[
    Reason::DataKeyNotFound,
    Reason::ExpectationUnmet,
    Reason::FieldInvalid,
    Reason::Integrity,
    Reason::KeyNotFound,
    Reason::KeyUnusable,
    Reason::OwnKeyRequired,
    Reason::PolicyForbids,
    Reason::ProjectNotFound,
    Reason::ProviderMismatch,
    Reason::WorkspaceNotFound,
];

/// The router's error for a failed call to the vault.
pub(super) fn error(status: &Status) -> RouterError {
    match refusal(status) {
        Some(refusal) => RouterError::Refused(Box::new(refusal)),
        None => RouterError::VaultUnavailable,
    }
}

/// The refusal in a status, if it concerns the caller.
fn refusal(status: &Status) -> Option<VaultRefusal> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    let violations = details
        .bad_request()
        .into_iter()
        .flat_map(|bad| bad.field_violations.clone());
    let (metadata, fallbacks) = split_fallbacks(info.metadata.clone());
    Some(VaultRefusal {
        reason: for_the_caller(&info.reason)?,
        message: status.message().to_owned(),
        metadata,
        fallbacks,
        violations: violations
            .map(|violation| (violation.field, violation.description))
            .collect(),
    })
}

/// The refusal in the response of a dry run, if it concerns the caller.
pub(super) fn dry_run_refusal(message: Refusal) -> Option<VaultRefusal> {
    let (metadata, fallbacks) = split_fallbacks(message.metadata.into_iter().collect());
    Some(VaultRefusal {
        reason: for_the_caller(&message.reason)?,
        message: message.message,
        metadata,
        fallbacks,
        violations: Vec::new(),
    })
}

fn for_the_caller(reason: &str) -> Option<Reason> {
    let reason = reason.parse().ok()?;
    FOR_THE_CALLER.contains(&reason).then_some(reason)
}

fn split_fallbacks(
    mut metadata: HashMap<String, String>,
) -> (HashMap<String, String>, Vec<ModelTarget>) {
    let value = metadata.remove(FALLBACKS_METADATA).unwrap_or_default();
    let targets = decode_fallbacks(&value)
        .filter_map(|(provider, model)| fallback(provider, model))
        .collect();
    (metadata, targets)
}

/// A fallback of a workspace, where its model has a valid name.
pub(super) fn fallback(provider: ProviderId, model: &str) -> Option<ModelTarget> {
    Some(ModelTarget {
        provider: Some(provider),
        model: Some(model.parse().ok()?),
        key: None,
    })
}
