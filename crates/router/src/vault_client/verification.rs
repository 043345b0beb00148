//! Verification tasks: keys that the vault sends over the router session to be checked.

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    ProviderRefusal, Verification, VerificationResult, VerificationTask, verification,
};
use latchkey_providers::ProviderError;
use url::Url;

use super::key_reports::provider_refusal;
use super::resolve::decode_material;
use crate::domain::material::Material;

/// A key to check with its provider. It has no `Debug`: it holds a secret.
pub struct KeyToCheck {
    /// The provider.
    pub provider: ProviderId,
    /// The secret.
    pub material: Material,
    /// The address that the key may be sent to; none for the provider's own.
    pub base_url: Option<Url>,
    /// The key's location; empty where it has none.
    pub location: String,
    /// The key's cloud project; empty where it has none.
    pub cloud_project: String,
    /// Azure's API version; empty where the key has none.
    pub api_version: String,
}

/// The outcome of a check.
pub enum KeyCheckOutcome {
    /// The provider accepts the key.
    Alive,
    /// The provider accepts the key, with a restriction that its message states.
    Limited(String),
    /// The provider can be reached; whether it accepts the key can't be determined for free.
    Reachable(String),
    /// The provider refuses the key.
    Rejected(Box<ProviderError>),
    /// The check could not be made.
    NotChecked(CheckFailure),
}

/// Why a check could not be made.
pub enum CheckFailure {
    /// The provider failed, or its token issuer.
    Provider(Box<ProviderError>),
    /// The router's own explanation, such as an address that may not be reached.
    Router(String),
}

/// The key of a task, or why this router can't check it.
pub(super) fn decode(task: VerificationTask) -> Result<KeyToCheck, &'static str> {
    let base_url = match task.base_url.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| "the address is not a URL")?),
    };
    let provider = task.provider.parse();
    Ok(KeyToCheck {
        provider: provider.map_err(|_| "this router does not know the provider")?,
        material: decode_material(task.material).ok_or("the key has no form that is known")?,
        base_url,
        location: task.location,
        cloud_project: task.cloud_project,
        api_version: task.api_version,
    })
}

/// The result of a task.
pub(super) fn encode(task_id: String, outcome: KeyCheckOutcome) -> VerificationResult {
    let verified = |grade: verification::Grade, detail| {
        Outcome::Verified(Verification {
            grade: grade.into(),
            detail,
            verify_time: None,
        })
    };
    let outcome = match outcome {
        KeyCheckOutcome::Alive => verified(verification::Grade::Alive, String::new()),
        KeyCheckOutcome::Limited(detail) => verified(verification::Grade::Limited, detail),
        KeyCheckOutcome::Reachable(detail) => verified(verification::Grade::Reachable, detail),
        KeyCheckOutcome::Rejected(error) => Outcome::Rejected(provider_refusal(&error)),
        KeyCheckOutcome::NotChecked(CheckFailure::Provider(error)) => {
            Outcome::Unreachable(provider_refusal(&error))
        }
        KeyCheckOutcome::NotChecked(CheckFailure::Router(message)) => {
            Outcome::Unreachable(ProviderRefusal {
                message,
                ..ProviderRefusal::default()
            })
        }
    };
    VerificationResult {
        task_id,
        outcome: Some(outcome),
    }
}
