//! What is set on a workspace, from the message.

use latchkey_contract::vault::v1::Workspace as Message;

use super::fallbacks;
use crate::domain::audit::AuditEvent;
use crate::domain::fallback::Fallback;
use crate::domain::funding::Funding;
use crate::domain::rules::Rules;
use crate::error::VaultError;
use crate::services::{funding, rules};

/// What is set on a workspace, beside its name for people.
pub(super) struct Settings {
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) funding: Funding,
    pub(super) rules: Rules,
}

/// The settings that a message holds.
pub(super) fn decode(message: &Message) -> Result<Settings, VaultError> {
    Ok(Settings {
        fallbacks: fallbacks::decode(&message.fallbacks)?,
        funding: funding::whole(message.funding.as_ref())?,
        rules: rules::decode(
            "workspace",
            &message.allowed_capabilities,
            (&message.allowed_models, &message.denied_models),
            message.zero_retention,
        )?,
    })
}

/// The settings of a new workspace as the audit log tells them: what is not as it is by default.
pub(super) fn describe(mut event: AuditEvent, settings: &Settings) -> AuditEvent {
    if !settings.fallbacks.is_empty() {
        event = event.with("fallbacks", fallbacks::describe(&settings.fallbacks));
    }
    if settings.funding != Funding::default() {
        let policy = funding::encode(settings.funding);
        event = event.with("funding", funding::describe(&policy));
    }
    if settings.rules != Rules::default() {
        event = rules::describe(event, &settings.rules);
    }
    event
}
