//! A refusal of the vault, to be handed on to the caller.

use std::collections::HashMap;

use latchkey_contract::Reason;
use latchkey_contract::vault::v1::Refusal;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::domain::fallback::Fallback;

/// What the vault said.
#[derive(Clone, Debug)]
pub struct VaultRefusal {
    /// The reason.
    pub reason: Reason,
    /// The words.
    pub message: String,
    /// Facts, such as why each key was passed over.
    pub metadata: HashMap<String, String>,
    /// Fields that are to blame.
    pub violations: Vec<(String, String)>,
    /// The workspace's own list of fallbacks.
    pub fallbacks: Vec<Fallback>,
}

impl VaultRefusal {
    /// Whether the request is in order, and there is no key for it.
    pub fn is_of_the_choice(&self) -> bool {
        self.reason.code() == Code::FailedPrecondition
    }
}

/// The reasons that concern the caller. Any other failure is between router and vault.
const REASONS: &[Reason] = &[
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
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.clone());
    let (metadata, fallbacks) = without_fallbacks(info.metadata.clone());
    Some(VaultRefusal {
        reason: known(&info.reason)?,
        message: status.message().to_owned(),
        metadata,
        fallbacks,
        violations: violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| (violation.field, violation.description))
            .collect(),
    })
}

/// The same of a refusal that is data, in the answer to a question that leases nothing: the request is
/// in order, and there is no key for it.
pub(super) fn read_data(said: Refusal) -> Option<VaultRefusal> {
    let (metadata, fallbacks) = without_fallbacks(said.metadata.into_iter().collect());
    Some(VaultRefusal {
        reason: known(&said.reason)?,
        message: said.message,
        metadata,
        fallbacks,
        violations: Vec::new(),
    })
}

fn known(reason: &str) -> Option<Reason> {
    reason
        .parse()
        .ok()
        .filter(|reason| REASONS.contains(reason))
}

fn without_fallbacks(
    mut metadata: HashMap<String, String>,
) -> (HashMap<String, String>, Vec<Fallback>) {
    let fallbacks = metadata.remove(FALLBACKS).unwrap_or_default();
    (
        metadata,
        fallbacks.lines().filter_map(read_fallback).collect(),
    )
}
