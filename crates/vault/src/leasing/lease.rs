//! Leases, as the vault records them.

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyVersionName, RevisionScope, Scope};
use uuid::Uuid;

/// The id of a lease. A version 7 UUID, so that ids sort by time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeaseId(pub Uuid);

/// A lease without its material.
#[derive(Clone, Debug)]
pub struct LeaseRecord {
    /// The key version.
    pub key_version: KeyVersionName,
    /// The scope that it was granted for.
    pub scope: Scope,
    /// The time of the grant.
    pub create_time: Timestamp,
    /// The revisions of the scopes that it was granted at.
    pub revisions: Vec<(RevisionScope, u64)>,
}

impl LeaseRecord {
    /// Whether it was granted before that revision of the scope, so that it may contradict it.
    pub(super) fn predates(&self, scope: &RevisionScope, revision: u64) -> bool {
        self.revisions
            .iter()
            .any(|(granted, at)| granted == scope && *at < revision)
    }
}
