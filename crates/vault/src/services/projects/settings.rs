//! The settings of a project, from the message.

use latchkey_contract::vault::v1::Project as Message;

use crate::domain::audit::AuditEvent;
use crate::domain::funding::Narrowing;
use crate::domain::settings::check_display_name;
use crate::domain::usage_rules::UsageRules;
use crate::error::VaultError;
use crate::services::{funding, usage_rules};

/// The settings of a project.
pub(super) struct ProjectSettings {
    pub(super) display_name: String,
    pub(super) funding: Narrowing,
    pub(super) rules: UsageRules,
}

/// The settings that a message holds.
pub(super) fn decode(message: &Message) -> Result<ProjectSettings, VaultError> {
    check_display_name("project.display_name", &message.display_name)?;
    Ok(ProjectSettings {
        display_name: message.display_name.clone(),
        funding: funding::narrowing("project.funding", message.funding.as_ref())?,
        rules: usage_rules::decode(
            "project",
            &message.allowed_capabilities,
            (&message.allowed_models, &message.denied_models),
            message.zero_retention,
        )?,
    })
}

/// Adds to an event the settings of a new project that differ from the defaults.
pub(super) fn describe(mut event: AuditEvent, settings: &ProjectSettings) -> AuditEvent {
    if let Some(policy) = funding::encode_narrowing(settings.funding) {
        event = event.with("funding", funding::describe(&policy));
    }
    if settings.rules != UsageRules::default() {
        event = usage_rules::describe(event, &settings.rules);
    }
    event
}
