//! A session: whom the requests of a conversation are put to, and whether what is said is kept.

use std::time::Duration;

use latchkey_clock::Timestamp;
use latchkey_contract::names::{DataKeyName, KeyName, KeyVersionName, ResourceId};
use latchkey_contract::names::{Scope, SessionName};
use latchkey_contract::router::v1::{FinishReason, Message, part};
use uuid::Uuid;

use super::attempt::Payer;

/// A conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Tells it from an earlier one of the same name.
    pub uid: Uuid,
    /// Its name.
    pub name: SessionName,
    /// The scope of its requests: the workspace and all in it, or one project.
    pub scope: Scope,
    /// What may be changed of it.
    pub settings: Settings,
    /// What was said, if that is kept.
    pub transcript: Option<Transcript>,
    /// Who created it.
    pub creator: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When its settings were changed.
    pub update_time: Timestamp,
    /// When a request was made in it.
    pub last_use_time: Timestamp,
    /// Counts the changes of its settings.
    pub revision: i64,
}

/// What may be changed of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// For people.
    pub display_name: String,
    /// The key of requests that name none; may be empty, as the next two.
    pub key: String,
    /// Their provider.
    pub provider: String,
    /// Their model.
    pub model: String,
    /// Whether every request is strict.
    pub strict: bool,
    /// How long after its last use it is deleted.
    pub retention: Duration,
}

/// What is known of a transcript without opening it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transcript {
    /// What it is sealed under.
    pub data_key: DataKeyName,
    /// How many turns it has.
    pub turn_count: u64,
    /// Bytes of its turns before they were sealed.
    pub size: u64,
}

/// What is known of a turn without opening it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TurnHead {
    /// Counts from 1.
    pub number: u64,
    /// The provider that answered.
    pub provider: String,
    /// The model that answered, as the provider named it.
    pub model: String,
    /// The key version that was used.
    pub key_version: KeyVersionName,
    /// Who paid.
    pub payer: Payer,
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// When it was added.
    pub create_time: Timestamp,
    /// Bytes before it was sealed.
    pub size: u64,
}

/// Whom a request is put to, by the names of its fields; each may be empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Named<'a> {
    /// A key and no other.
    pub key: &'a str,
    /// A provider id.
    pub provider: &'a str,
    /// A model.
    pub model: &'a str,
}

/// A setting that is out of bounds, by its field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct SettingError {
    /// Its name.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A transcript that no request can be put behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the session's transcript is full: at most {MAX_TURNS} turns and {MAX_BYTES} bytes")]
pub struct TooLong;

/// Turns of a transcript at most.
pub const MAX_TURNS: u64 = 1_000;
/// Bytes of an opened transcript at most.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The retention of a session that says nothing.
pub const DEFAULT_RETENTION: Duration = Duration::from_hours(30 * 24);

const MIN_RETENTION: Duration = Duration::from_mins(1);
const MAX_RETENTION: Duration = Duration::from_hours(365 * 24);
const MAX_DISPLAY_NAME: usize = 63;
const MAX_MODEL_BYTES: usize = 256;

impl Session {
    /// When it will be deleted unless it is used before.
    pub fn expire_time(&self) -> Timestamp {
        self.last_use_time + self.settings.retention
    }

    /// Whether it is as good as deleted.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expire_time()
    }

    /// What guards against a concurrent change of its settings. Uses do not change it.
    pub fn etag(&self) -> String {
        self.revision.to_string()
    }

    /// Whether a request for `scope` may be made in it.
    pub fn admits(&self, scope: &Scope) -> bool {
        match &self.scope {
            Scope::Project(_) => self.scope == *scope,
            Scope::Workspace(workspace) => workspace == scope.workspace(),
        }
    }

    /// Whom a request is put to: what it names holds, the session's own where it names nothing.
    /// `leaves` says whether a model is known to be another provider's than the session's.
    ///
    /// A request that names a key, or a provider other than the session's, takes nothing; the
    /// session's key and model would mean something else there. Where the session has a key and names
    /// no provider, the one that the request names is held against the key: the key is used or refused,
    /// and nobody else pays. A request that names a model alone stays with the session's key, and
    /// without one goes to whose the model is.
    pub fn choose<'a>(&'a self, said: Named<'a>, leaves: impl FnOnce(&str) -> bool) -> Named<'a> {
        let own = Named {
            key: &self.settings.key,
            provider: &self.settings.provider,
            model: &self.settings.model,
        };
        let key_alone = !own.key.is_empty() && own.provider.is_empty();
        match (said.key, said.provider, said.model) {
            ("", "", "") => own,
            ("", "", model) if own.key.is_empty() => Named {
                // Empty, it is found by the model.
                provider: if leaves(model) { "" } else { own.provider },
                ..said
            },
            ("", "", model) => Named { model, ..own },
            ("", provider, model) if provider == own.provider || key_alone => Named {
                provider,
                model: if model.is_empty() { own.model } else { model },
                ..own
            },
            _ => said,
        }
    }
}

impl Settings {
    /// The settings, if each is within its bounds.
    pub fn checked(self) -> Result<Self, SettingError> {
        let refuse = |field, problem| Err(SettingError { field, problem });
        let name = &self.display_name;
        if name.chars().count() > MAX_DISPLAY_NAME || name.contains(char::is_control) {
            let problem = "must be at most 63 characters, none of them a control character";
            return refuse("display_name", problem);
        }
        let key = &self.key;
        let is_key = key.parse::<KeyName>().is_ok() || key.parse::<ResourceId>().is_ok();
        if !key.is_empty() && !is_key {
            return refuse("key", "must be the name or the id of a key");
        }
        if self.model.len() > MAX_MODEL_BYTES || self.model.contains(char::is_control) {
            let problem = "must be at most 256 bytes, none of them a control character";
            return refuse("model", problem);
        }
        if !(MIN_RETENTION..=MAX_RETENTION).contains(&self.retention) {
            return refuse("retention", "must be from 1 minute to 365 days");
        }
        Ok(self)
    }
}

impl Transcript {
    /// An empty one.
    pub fn new(data_key: DataKeyName) -> Self {
        Self {
            data_key,
            turn_count: 0,
            size: 0,
        }
    }

    /// Whether there is room for another turn of at least so many bytes.
    pub fn room_for(&self, bytes: u64) -> Result<(), TooLong> {
        let fits = self.size.saturating_add(bytes) <= MAX_BYTES;
        let room = self.turn_count < MAX_TURNS && fits;
        room.then_some(()).ok_or(TooLong)
    }
}

/// Whether an answer can be part of a request again. A model that was cut off in the middle of a tool
/// call leaves one that nobody takes, and no request could ever follow it.
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

/// The part of an answer that a request may hold: what has nothing in it is left out, and nothing at
/// all may remain.
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
