//! What a router has on lease.

use latchkey_clock::Timestamp;
use latchkey_contract::names::{KeyVersionName, Scope};
use uuid::Uuid;

/// Identifies a lease. A version 7 UUID: in the order of time.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeaseId(pub Uuid);

/// A lease, without its material.
#[derive(Clone, Debug)]
pub struct LeaseRecord {
    /// What was leased.
    pub key_version: KeyVersionName,
    /// What it was leased for.
    pub scope: Scope,
    /// When.
    pub create_time: Timestamp,
}
