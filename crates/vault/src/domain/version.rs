//! One sealed material of a key, and its destination.

use latchkey_clock::Timestamp;

use super::destination::Destination;
use super::material::SecretKind;
use super::uid::{BranchKeyUid, KeyUid, KeyVersionUid, WorkspaceUid};
use super::verification::Verification;

/// The branch key that wrapped a data key. Rewrapping replaces it and does not change the payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WrappedBy {
    /// The branch key.
    pub branch_key: BranchKeyUid,
    /// Its version.
    pub branch_version: u64,
    /// Counts the wraps of this data key, from 1.
    pub wrap_revision: u64,
}

/// A version of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyVersion {
    /// The key.
    pub key: KeyUid,
    /// Counts from 1.
    pub version: u64,
    /// The workspace, whose branch key it is under.
    pub workspace: WorkspaceUid,
    /// The state.
    pub state: VersionState,
    /// The only destination of the material.
    pub destination: Destination,
    /// The kind of the material.
    pub secret_kind: SecretKind,
    /// The last four characters of the text that people recognise it by.
    pub material_tail: String,
    /// Finds the same material again, within the workspace only.
    pub fingerprint: [u8; 16],
    /// The branch key that wrapped the data key.
    pub wrapped_by: WrappedBy,
    /// The data key, sealed under the branch key; empty once destroyed.
    pub wrapped_data_key: Vec<u8>,
    /// The material, sealed under the data key; empty once destroyed.
    pub payload: Vec<u8>,
    /// The outcome of the last verification.
    pub verification: Verification,
    /// When it was stored.
    pub create_time: Timestamp,
    /// When it was destroyed.
    pub destroy_time: Option<Timestamp>,
}

/// The states of a version. Staging, canary and draining will come between.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VersionState {
    /// In use.
    Current,
    /// Out of use, its material gone.
    Destroyed,
}

impl VersionState {
    /// The word for it in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Destroyed => "destroyed",
        }
    }

    /// The state that a row names.
    pub fn from_row(text: &str) -> Option<Self> {
        [Self::Current, Self::Destroyed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

impl KeyVersion {
    /// The identity.
    pub fn uid(&self) -> KeyVersionUid {
        KeyVersionUid {
            key: self.key,
            version: self.version,
        }
    }

    /// The version without its material: both ciphertexts are emptied, so that no key found later
    /// opens them.
    #[must_use]
    pub fn destroy(mut self, now: Timestamp) -> Self {
        self.state = VersionState::Destroyed;
        self.wrapped_data_key.clear();
        self.payload.clear();
        self.destroy_time = Some(now);
        self
    }

    /// The version with the outcome of another verification.
    #[must_use]
    pub fn verified(mut self, verification: Verification) -> Self {
        self.verification = verification;
        self
    }
}
