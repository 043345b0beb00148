//! From messages to sessions. Fields are named as in `Session`.

use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::names::{Scope, WorkspaceName};
use latchkey_contract::router::v1::{Session as Message, session};

use crate::domain::session::{DEFAULT_RETENTION, SettingError, Settings};
use crate::error::RouterError;

/// What may be changed of a session.
pub(super) fn settings(said: &Message) -> Result<Settings, RouterError> {
    let provider = match said.provider.as_str() {
        "" => String::new(),
        text => {
            let provider = text.parse::<ProviderId>();
            let provider = provider.map_err(|error| RouterError::field("provider", error))?;
            provider.as_str().to_owned()
        }
    };
    let settings = Settings {
        display_name: said.display_name.clone(),
        key: said.key.clone(),
        provider,
        model: said.model.clone(),
        strict: said.strict,
        retention: retention(said)?,
    };
    let refuse = |SettingError { field, problem }| RouterError::field(field, problem);
    settings.checked().map_err(refuse)
}

/// The scope of its requests.
pub(super) fn scope(said: &Message, workspace: &WorkspaceName) -> Result<Scope, RouterError> {
    if said.scope.is_empty() {
        return Ok(Scope::Workspace(workspace.clone()));
    }
    let scope: Scope = said.scope.parse().map_err(RouterError::name("scope"))?;
    if scope.workspace() != workspace {
        let problem = "must be the workspace of the session, or a project in it";
        return Err(RouterError::field("scope", problem));
    }
    Ok(scope)
}

/// Whether what is said is kept.
pub(super) fn keeps_transcript(said: &Message) -> Result<bool, RouterError> {
    match session::Transcript::try_from(said.transcript) {
        Ok(session::Transcript::Sealed) => Ok(true),
        Ok(session::Transcript::None | session::Transcript::Unspecified) => Ok(false),
        Err(_) => Err(RouterError::field("transcript", "is not known")),
    }
}

/// Whether a span is set that says something.
pub(super) fn is_set(span: Option<&prost_types::Duration>) -> bool {
    span.is_some_and(|span| *span != prost_types::Duration::default())
}

fn retention(said: &Message) -> Result<Duration, RouterError> {
    match said.retention {
        Some(span) if is_set(Some(&span)) => {
            let span = Duration::try_from(span);
            let span = span.map_err(|_| RouterError::field("retention", "must not be negative"))?;
            // What the database can tell.
            let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
            Ok(Duration::from_micros(micros))
        }
        _ => Ok(DEFAULT_RETENTION),
    }
}
