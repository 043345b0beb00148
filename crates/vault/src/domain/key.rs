//! A provider key without its material, and its states.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::ResourceId;

use super::settings::KeySettings;
use super::uid::{KeyUid, KeyVersionUid, ProjectUid, WorkspaceUid};

/// A key without its material.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The identity behind the name.
    pub uid: KeyUid,
    /// The workspace that it belongs to, directly or through a project.
    pub workspace: WorkspaceUid,
    /// The project that it belongs to, if it does.
    pub project: Option<ProjectUid>,
    /// The last segment of its name; `None` once it is deleted.
    pub slug: Option<ResourceId>,
    /// The provider.
    pub provider: ProviderId,
    /// The owner's settings.
    pub settings: KeySettings,
    /// The state.
    pub state: KeyState,
    /// The reason of the state, such as the provider's message in a quarantine.
    pub state_detail: String,
    /// The current version.
    pub current_version: u64,
    /// Grows by one with each change; its etag.
    pub row_revision: u64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
    /// When it was last leased, to the minute.
    pub last_used_time: Option<Timestamp>,
}

/// The stored states. Expiry is not one: it follows from the settings and the time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Usable.
    Active,
    /// Deleted; the row is a tombstone.
    Deleted,
    /// Disabled by its owner.
    Disabled,
    /// Excluded because the provider refused it, until a check accepts it.
    Quarantined,
}

/// A transition that the state of a key does not allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key can't be {verb} because it is {from}")]
pub struct IllegalTransition {
    /// The current state.
    pub from: &'static str,
    /// The refused transition, as a participle.
    pub verb: &'static str,
}

impl KeyState {
    /// The word for it in rows and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::Quarantined => "quarantined",
        }
    }

    /// The state that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Deleted,
            Self::Disabled,
            Self::Quarantined,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
    }
}

impl Key {
    /// The identity of the current version.
    pub fn current_version_uid(&self) -> KeyVersionUid {
        KeyVersionUid {
            key: self.uid,
            version: self.current_version,
        }
    }

    /// Whether it is past its expiry.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.settings
            .expire_time
            .is_some_and(|expiry| expiry <= now)
    }

    /// The key, disabled. A disabled key stays as it is.
    pub fn disable(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Disabled => Ok(self),
            KeyState::Active | KeyState::Quarantined => {
                Ok(self.enter(KeyState::Disabled, String::new(), now))
            }
            KeyState::Deleted => Err(self.illegal("disabled")),
        }
    }

    /// The key, enabled, from a quarantine too. An active key stays as it is.
    pub fn enable(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Active => Ok(self),
            KeyState::Disabled | KeyState::Quarantined => {
                Ok(self.enter(KeyState::Active, String::new(), now))
            }
            KeyState::Deleted => Err(self.illegal("enabled")),
        }
    }

    /// The key, quarantined with the provider's message. A disabled key stays disabled.
    pub fn quarantine(self, message: String, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Active => Ok(self.enter(KeyState::Quarantined, message, now)),
            KeyState::Disabled | KeyState::Quarantined => Ok(self),
            KeyState::Deleted => Err(self.illegal("quarantined")),
        }
    }

    /// The key, readmitted from a quarantine because the provider accepts it. A disabled key stays
    /// disabled.
    pub fn readmit(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Quarantined => Ok(self.enter(KeyState::Active, String::new(), now)),
            KeyState::Active | KeyState::Disabled => Ok(self),
            KeyState::Deleted => Err(self.illegal("readmitted")),
        }
    }

    /// The key with another current version. That ends a quarantine, which was the old version's.
    pub fn renew(mut self, version: u64, now: Timestamp) -> Result<Self, IllegalTransition> {
        self.current_version = version;
        match self.state {
            KeyState::Active | KeyState::Quarantined => {
                Ok(self.enter(KeyState::Active, String::new(), now))
            }
            KeyState::Disabled => Ok(self.enter(KeyState::Disabled, String::new(), now)),
            KeyState::Deleted => Err(self.illegal("given a new version")),
        }
    }

    /// The key as a tombstone.
    pub fn delete(mut self, now: Timestamp) -> Result<Self, IllegalTransition> {
        if self.state == KeyState::Deleted {
            return Err(self.illegal("deleted"));
        }
        self.slug = None;
        self.delete_time = Some(now);
        Ok(self.enter(KeyState::Deleted, String::new(), now))
    }

    /// The key with other settings.
    pub fn change(
        mut self,
        settings: KeySettings,
        now: Timestamp,
    ) -> Result<Self, IllegalTransition> {
        if self.state == KeyState::Deleted {
            return Err(self.illegal("changed"));
        }
        self.settings = settings;
        let (state, detail) = (self.state, std::mem::take(&mut self.state_detail));
        Ok(self.enter(state, detail, now))
    }

    fn enter(mut self, state: KeyState, detail: String, now: Timestamp) -> Self {
        self.state = state;
        self.state_detail = detail;
        self.row_revision += 1;
        self.update_time = now;
        self
    }

    fn illegal(&self, verb: &'static str) -> IllegalTransition {
        IllegalTransition {
            from: self.state.as_str(),
            verb,
        }
    }
}

#[cfg(test)]
mod tests;
