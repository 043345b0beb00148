//! What is set on a project, from the message.

use latchkey_contract::vault::v1::Project as Message;

use crate::domain::audit::AuditEvent;
use crate::domain::funding::Narrowing;
use crate::domain::rules::Rules;
use crate::domain::settings::check_display_name;
use crate::error::VaultError;
use crate::services::{funding, rules};

/// What is set on a project.
pub(super) struct Settings {
    pub(super) display_name: String,
    pub(super) funding: Narrowing,
    pub(super) rules: Rules,
}

/// The settings that a message holds.
pub(super) fn decode(message: &Message) -> Result<Settings, VaultError> {
    check_display_name("project.display_name", &message.display_name)?;
    Ok(Settings {
        display_name: message.display_name.clone(),
        funding: funding::narrowing("project.funding", message.funding.as_ref())?,
        rules: rules::decode(
            "project",
            &message.allowed_capabilities,
            (&message.allowed_models, &message.denied_models),
            message.zero_retention,
        )?,
    })
}

/// The settings of a new project as the audit log tells them: what is not as it is by default.
pub(super) fn describe(mut event: AuditEvent, settings: &Settings) -> AuditEvent {
    if let Some(policy) = funding::encode_narrowing(settings.funding) {
        event = event.with("funding", funding::describe(&policy));
    }
    if settings.rules != Rules::default() {
        event = rules::describe(event, &settings.rules);
    }
    event
}
