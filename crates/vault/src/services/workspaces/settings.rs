//! The settings of a workspace, from the message.

use latchkey_contract::vault::v1::Workspace as Message;

use super::fallbacks;
use crate::domain::audit::AuditEvent;
use crate::domain::fallback::Fallback;
use crate::domain::funding::Funding;
use crate::domain::usage_rules::UsageRules;
use crate::error::VaultError;
use crate::services::{funding, usage_rules};

/// The settings of a workspace, without its display name.
pub(super) struct WorkspaceSettings {
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) funding: Funding,
    pub(super) rules: UsageRules,
}

/// The settings that a message holds.
pub(super) fn decode(message: &Message) -> Result<WorkspaceSettings, VaultError> {
    Ok(WorkspaceSettings {
        fallbacks: fallbacks::decode(&message.fallbacks)?,
        funding: funding::whole(message.funding.as_ref())?,
        rules: usage_rules::decode(
            "workspace",
            &message.allowed_capabilities,
            (&message.allowed_models, &message.denied_models),
            message.zero_retention,
        )?,
    })
}

/// Adds to an event the settings of a new workspace that differ from the defaults.
pub(super) fn describe(mut event: AuditEvent, settings: &WorkspaceSettings) -> AuditEvent {
    if !settings.fallbacks.is_empty() {
        event = event.with("fallbacks", fallbacks::describe(&settings.fallbacks));
    }
    if settings.funding != Funding::default() {
        let policy = funding::encode(settings.funding);
        event = event.with("funding", funding::describe(&policy));
    }
    if settings.rules != UsageRules::default() {
        event = usage_rules::describe(event, &settings.rules);
    }
    event
}
