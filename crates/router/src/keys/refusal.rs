//! A refusal of the vault, to be handed on to the caller.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::domain::fallback::Fallback;

/// What the vault said.
#[derive(Clone, Debug)]
pub struct VaultRefusal {
    /// The canonical code.
    pub code: Code,
    /// The reason.
    pub reason: &'static str,
    /// The words.
    pub message: String,
    /// Facts, such as why each key was passed over.
    pub metadata: HashMap<String, String>,
    /// Fields that are to blame.
    pub violations: Vec<(String, String)>,
    /// The workspace's own list of fallbacks.
    pub fallbacks: Vec<Fallback>,
}

/// The reasons that concern the caller. Any other failure is between router and vault.
const REASONS: &[&str] = &[
    "DATA_KEY_NOT_FOUND",
    "FIELD_INVALID",
    "INTEGRITY",
    "KEY_NOT_FOUND",
    "KEY_UNUSABLE",
    "OWN_KEY_REQUIRED",
    "PROJECT_NOT_FOUND",
    "PROVIDER_MISMATCH",
    "WORKSPACE_NOT_FOUND",
];

/// What the vault tells the router alone: `{provider}/{model}`, one per line.
const FALLBACKS: &str = "fallbacks";

fn read_fallback(line: &str) -> Option<Fallback> {
    let (provider, model) = line.split_once('/')?;
    Some(Fallback {
        provider: provider.to_owned(),
        model: model.to_owned(),
        key: String::new(),
    })
}

/// The refusal in a status, if it is one for the caller.
pub(super) fn read(status: &Status) -> Option<VaultRefusal> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    let reason = REASONS.iter().find(|reason| **reason == info.reason)?;
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    let mut metadata = info.metadata.clone();
    let fallbacks = metadata.remove(FALLBACKS).unwrap_or_default();
    Some(VaultRefusal {
        code: status.code(),
        reason,
        message: status.message().to_owned(),
        metadata,
        fallbacks: fallbacks.lines().filter_map(read_fallback).collect(),
        violations: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| (violation.field, violation.description))
            .collect(),
    })
}
