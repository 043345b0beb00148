//! A provider key: what may be known of it, and its states.

use latchkey_clock::Timestamp;
use latchkey_contract::ProviderId;
use latchkey_contract::names::ResourceId;

use super::settings::Settings;
use super::uid::{KeyUid, ProjectUid, WorkspaceUid};

/// A key without its material.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The identity behind the name.
    pub uid: KeyUid,
    /// The workspace that it belongs to, directly or through a project.
    pub workspace: WorkspaceUid,
    /// The project that it belongs to, if it does.
    pub project: Option<ProjectUid>,
    /// The last segment of its name; nothing once it is deleted.
    pub slug: Option<ResourceId>,
    /// Whose key it is.
    pub provider: ProviderId,
    /// What its owner set.
    pub settings: Settings,
    /// Where it is in its life.
    pub state: KeyState,
    /// Why it is there.
    pub state_detail: String,
    /// The version in use.
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

/// The stored states. That a key has expired follows from its settings and the time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Usable.
    Active,
    /// Gone, but for this tombstone.
    Deleted,
    /// Switched off by its owner.
    Disabled,
    /// Set aside because the provider refused it.
    Quarantined,
}

/// A move that the state of a key does not allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a key that is {from} cannot be {verb}")]
pub struct IllegalTransition {
    /// The state it is in.
    pub from: &'static str,
    /// What was to be done.
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
    /// Whether it is past its expiry.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.settings
            .expire_time
            .is_some_and(|expiry| expiry <= now)
    }

    /// Switched off. Doing it twice changes nothing.
    pub fn disable(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Disabled => Ok(self),
            KeyState::Active | KeyState::Quarantined => {
                Ok(self.enter(KeyState::Disabled, String::new(), now))
            }
            KeyState::Deleted => Err(self.illegal("disabled")),
        }
    }

    /// Switched on, out of a quarantine too. Doing it twice changes nothing.
    pub fn enable(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Active => Ok(self),
            KeyState::Disabled | KeyState::Quarantined => {
                Ok(self.enter(KeyState::Active, String::new(), now))
            }
            KeyState::Deleted => Err(self.illegal("enabled")),
        }
    }

    /// Set aside with the provider's words. A key that its owner switched off stays so.
    pub fn quarantine(self, words: String, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Active => Ok(self.enter(KeyState::Quarantined, words, now)),
            KeyState::Disabled | KeyState::Quarantined => Ok(self),
            KeyState::Deleted => Err(self.illegal("quarantined")),
        }
    }

    /// Let back in, because the provider accepts it again. A key that its owner switched off stays so.
    pub fn readmit(self, now: Timestamp) -> Result<Self, IllegalTransition> {
        match self.state {
            KeyState::Quarantined => Ok(self.enter(KeyState::Active, String::new(), now)),
            KeyState::Active | KeyState::Disabled => Ok(self),
            KeyState::Deleted => Err(self.illegal("readmitted")),
        }
    }

    /// With another current version; that ends a quarantine, which was the old version's.
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

    /// A tombstone.
    pub fn delete(mut self, now: Timestamp) -> Result<Self, IllegalTransition> {
        if self.state == KeyState::Deleted {
            return Err(self.illegal("deleted"));
        }
        self.slug = None;
        self.delete_time = Some(now);
        Ok(self.enter(KeyState::Deleted, String::new(), now))
    }

    /// With other settings.
    pub fn change(mut self, settings: Settings, now: Timestamp) -> Result<Self, IllegalTransition> {
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
