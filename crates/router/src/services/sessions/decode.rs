//! Decodes sessions. Errors name the fields of `Session`.

use std::time::Duration;

use latchkey_contract::names::{Scope, WorkspaceName};
use latchkey_contract::router::v1::{Session as Message, session};

use crate::domain::model_target::ModelTarget;
use crate::domain::session::{DEFAULT_RETENTION, SettingError, Settings};
use crate::domain::target_fields::TargetFields;
use crate::error::RouterError;

/// Decodes the settings, and checks their bounds.
pub(super) fn settings(message: &Message) -> Result<Settings, RouterError> {
    let target = ModelTarget::parse(TargetFields {
        provider: &message.provider,
        model: &message.model,
        key: &message.key,
    });
    let settings = Settings {
        display_name: message.display_name.clone(),
        target: target.map_err(|error| RouterError::field(error.field, error.problem))?,
        strict: message.strict,
        retention: retention(message)?,
    };
    let refuse = |SettingError { field, problem }| RouterError::field(field, problem);
    settings.checked().map_err(refuse)
}

/// Decodes the scope of the session's requests; the workspace where it is empty.
pub(super) fn scope(message: &Message, workspace: &WorkspaceName) -> Result<Scope, RouterError> {
    if message.scope.is_empty() {
        return Ok(Scope::Workspace(workspace.clone()));
    }
    let scope: Scope = message.scope.parse().map_err(RouterError::name("scope"))?;
    if scope.workspace() != workspace {
        let problem = "must be the workspace of the session, or a project in it";
        return Err(RouterError::field("scope", problem));
    }
    Ok(scope)
}

/// Whether the session has a transcript.
pub(super) fn keeps_transcript(message: &Message) -> Result<bool, RouterError> {
    match session::Transcript::try_from(message.transcript) {
        Ok(session::Transcript::Sealed) => Ok(true),
        Ok(session::Transcript::None | session::Transcript::Unspecified) => Ok(false),
        Err(_) => Err(RouterError::field("transcript", "must be a known value")),
    }
}

/// Whether a duration is set and not zero.
pub(super) fn is_set(duration: Option<&prost_types::Duration>) -> bool {
    duration.is_some_and(|duration| *duration != prost_types::Duration::default())
}

fn retention(message: &Message) -> Result<Duration, RouterError> {
    match message.retention {
        Some(retention) if is_set(Some(&retention)) => {
            let exact = Duration::try_from(retention)
                .map_err(|_| RouterError::field("retention", "must not be negative"))?;
            // The database stores microseconds.
            let micros = u64::try_from(exact.as_micros()).unwrap_or(u64::MAX);
            Ok(Duration::from_micros(micros))
        }
        _ => Ok(DEFAULT_RETENTION),
    }
}
