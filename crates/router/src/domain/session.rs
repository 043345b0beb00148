//! A session: the default key, provider and model of a conversation's requests, and its transcript.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::{DataKeyName, KeyVersionName, Scope, SessionName};
use latchkey_contract::router::v1::{FinishReason, Message, part};
use latchkey_contract::uid::{ProjectUid, WorkspaceUid};
use uuid::Uuid;

use super::attempt::Payer;
use super::model_id::ModelId;
use super::model_target::ModelTarget;
use super::scope_identity::ScopeIdentity;

/// A conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Distinguishes the session from an earlier one of the same name.
    pub uid: Uuid,
    /// The name.
    pub name: SessionName,
    /// The scope of the session's requests: the workspace with its projects, or one project.
    pub scope: Scope,
    /// The workspace; none where an earlier release created the session.
    pub workspace_uid: Option<WorkspaceUid>,
    /// The project of the scope; none for a workspace, or where an earlier release created the session.
    pub project_uid: Option<ProjectUid>,
    /// The settings.
    pub settings: Settings,
    /// The transcript, if the session has one.
    pub transcript: Option<Transcript>,
    /// The identity that created the session.
    pub creator: String,
    /// The time of creation.
    pub create_time: Timestamp,
    /// The time of the last change of the settings.
    pub update_time: Timestamp,
    /// The time of the last request.
    pub last_use_time: Timestamp,
    /// The number of the settings' version, from 1.
    pub revision: i64,
}

/// The part of a session that an update may change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// A name for people.
    pub display_name: String,
    /// The default key, provider and model of requests.
    pub target: ModelTarget,
    /// Whether every request is strict.
    pub strict: bool,
    /// The time between the last use and the expiry.
    pub retention: Duration,
}

/// The metadata of a transcript. It is readable without the data key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transcript {
    /// The data key that seals the turns.
    pub data_key: DataKeyName,
    /// The number of turns.
    pub turn_count: u64,
    /// The bytes of all turns before they were sealed.
    pub size: u64,
}

/// The metadata of a turn. It is readable without the data key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TurnHead {
    /// The number of the turn, from 1.
    pub number: u64,
    /// The provider that answered.
    pub provider: ProviderId,
    /// The model that answered, as the provider named it.
    pub model: String,
    /// The key version of the call.
    pub key_version: KeyVersionName,
    /// The party that paid.
    pub payer: Payer,
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// The time when the turn was added.
    pub create_time: Timestamp,
    /// The bytes of the turn before it was sealed.
    pub size: u64,
}

/// A setting that is out of bounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct SettingError {
    /// The name of the field.
    pub field: &'static str,
    /// The predicate of the text, such as `must be …`.
    pub problem: &'static str,
}

/// A transcript without room for another turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the session's transcript is full: it holds at most {MAX_TURNS} turns and {MAX_BYTES} bytes; \
     continue in a new session"
)]
pub struct TooLong;

/// The maximum number of turns of a transcript.
pub const MAX_TURNS: u64 = 1_000;
/// The maximum size of an opened transcript, in bytes.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The retention of a session that sets none.
pub const DEFAULT_RETENTION: Duration = Duration::from_hours(30 * 24);

const MIN_RETENTION: Duration = Duration::from_mins(1);
const MAX_RETENTION: Duration = Duration::from_hours(365 * 24);
const MAX_DISPLAY_NAME: usize = 63;

impl Session {
    /// The time of expiry, unless the session is used before.
    pub fn expire_time(&self) -> Timestamp {
        self.last_use_time + self.settings.retention
    }

    /// Whether the session is treated as deleted.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expire_time()
    }

    /// The etag of the settings. Uses of the session don't change it.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }

    /// Whether requests in the scope, which is of the session's workspace, may use the session.
    pub fn admits(&self, scope: &ScopeIdentity) -> bool {
        match (&self.scope, self.project_uid) {
            (Scope::Workspace(_), _) => true,
            (Scope::Project(_), Some(project)) => scope.project_uid() == Some(project),
            // An earlier release created the session, for the project that had the name then.
            (Scope::Project(_), None) => {
                self.scope == scope.name
                    && scope
                        .project
                        .is_some_and(|(_, created)| self.create_time >= created)
            }
        }
    }

    /// Completes the target of a request with the session's settings. What the request names wins.
    /// `is_elsewhere` returns whether a model is known to belong to another provider than the session's.
    ///
    /// - A request with a key, or with a provider other than the session's, takes no setting: the
    ///   session's key and model belong to another provider.
    /// - A session with a key and without a provider keeps its key for a request with a provider. The
    ///   vault then checks the provider against the key, and refuses a mismatch.
    /// - A request with only a model keeps the session's key. Without a key, it keeps the session's
    ///   provider unless the model is elsewhere.
    pub fn choose(
        &self,
        requested: ModelTarget,
        is_elsewhere: impl FnOnce(&ModelId) -> bool,
    ) -> ModelTarget {
        let own = &self.settings.target;
        let ModelTarget {
            provider,
            model,
            key,
        } = &requested;
        if key.is_some() {
            return requested;
        }
        let has_only_a_key = own.key.is_some() && own.provider.is_none();
        match (provider, model) {
            (Some(_), _) if *provider != own.provider && !has_only_a_key => requested,
            // The catalogue determines the provider by the model.
            (None, Some(model)) if own.key.is_none() && is_elsewhere(model) => requested,
            _ => ModelTarget {
                provider: provider.or(own.provider),
                model: requested.model.or_else(|| own.model.clone()),
                key: own.key.clone(),
            },
        }
    }
}

impl Settings {
    /// Returns the settings if each is within its bounds.
    pub fn checked(self) -> Result<Self, SettingError> {
        let refuse = |field, problem| Err(SettingError { field, problem });
        let name = &self.display_name;
        if name.chars().count() > MAX_DISPLAY_NAME || name.contains(char::is_control) {
            let problem = "must be at most 63 characters, none of them a control character";
            return refuse("display_name", problem);
        }
        if !(MIN_RETENTION..=MAX_RETENTION).contains(&self.retention) {
            return refuse("retention", "must be from 1 minute to 365 days");
        }
        Ok(self)
    }
}

impl Transcript {
    /// A transcript without turns.
    pub fn new(data_key: DataKeyName) -> Self {
        Self {
            data_key,
            turn_count: 0,
            size: 0,
        }
    }

    /// Checks that the transcript has room for another turn of at least `bytes`.
    pub fn check_room(&self, bytes: u64) -> Result<(), TooLong> {
        let fits = self.size.saturating_add(bytes) <= MAX_BYTES;
        let has_room = self.turn_count < MAX_TURNS && fits;
        has_room.then_some(()).ok_or(TooLong)
    }
}

/// Whether an answer can be part of a later request. Every provider refuses a tool call that was cut
/// off in the middle, so no request could continue after it.
pub fn can_be_repeated(answer: &Message) -> bool {
    let mut ids = Vec::new();
    answer.parts.iter().all(|part| match &part.content {
        Some(part::Content::ToolCall(call)) => {
            let arguments = call.arguments.trim_ascii();
            let object = serde_json::from_str::<serde_json::Map<_, _>>(arguments);
            let named = !call.id.is_empty() && !call.name.is_empty() && !ids.contains(&&*call.id);
            ids.push(&*call.id);
            named && (arguments.is_empty() || object.is_ok())
        }
        _ => true,
    })
}

/// The answer without its empty parts, which providers refuse in a request; none when no part remains.
pub fn repeated(mut answer: Message) -> Option<Message> {
    answer.parts.retain(|part| match &part.content {
        None => false,
        Some(part::Content::Text(text)) => !text.is_empty() || part.provider_state.is_some(),
        Some(part::Content::Refusal(text)) => !text.is_empty(),
        Some(_) => true,
    });
    (!answer.parts.is_empty()).then_some(answer)
}

#[cfg(test)]
mod tests;
