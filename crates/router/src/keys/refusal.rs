//! A refusal of the vault, to be handed on to the caller.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

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
}

/// The reasons that concern the caller. Any other failure is between router and vault.
const REASONS: &[&str] = &[
    "FIELD_INVALID",
    "INTEGRITY",
    "KEY_NOT_FOUND",
    "KEY_UNUSABLE",
    "OWN_KEY_REQUIRED",
    "PROJECT_NOT_FOUND",
    "PROVIDER_MISMATCH",
    "WORKSPACE_NOT_FOUND",
];

/// The refusal in a status, if it is one for the caller.
pub(super) fn read(status: &Status) -> Option<VaultRefusal> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    let reason = REASONS.iter().find(|reason| **reason == info.reason)?;
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    Some(VaultRefusal {
        code: status.code(),
        reason,
        message: status.message().to_owned(),
        metadata: info.metadata.clone(),
        violations: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| (violation.field, violation.description))
            .collect(),
    })
}
