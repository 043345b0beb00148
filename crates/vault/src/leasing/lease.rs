//! Leases, as the vault records them.

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyVersionName, Scope};
use uuid::Uuid;

use crate::domain::uid::{KeyVersionUid, WorkspaceUid};

/// The id of a lease. A version 7 UUID, so that ids sort by time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeaseId(pub Uuid);

/// A lease without its material.
#[derive(Clone, Debug)]
pub struct LeaseRecord {
    /// The key version, by its name when the lease was granted.
    pub key_version: KeyVersionName,
    /// The key version.
    pub key_version_uid: KeyVersionUid,
    /// The scope that it was granted for.
    pub scope: Scope,
    /// The time of the grant.
    pub create_time: Timestamp,
    /// The workspaces that the grant depended on, the platform among them, and the revision of each.
    pub revisions: Vec<(WorkspaceUid, u64)>,
}

impl LeaseRecord {
    /// Whether it was granted before that revision of the workspace, so that it may contradict it.
    pub(super) fn predates(&self, workspace: WorkspaceUid, revision: u64) -> bool {
        self.revisions
            .iter()
            .any(|(granted, at)| *granted == workspace && *at < revision)
    }
}
