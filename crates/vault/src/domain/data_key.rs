//! Keys that the vault makes and leases to routers, which seal with them on behalf of a workspace.

use latchkey_clock::Timestamp;

use super::uid::{DataKeyUid, WorkspaceUid};
use super::version::WrappedBy;

/// A stored data key, sealed like the material of a provider's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DataKey {
    /// Its identity, which is also the last segment of its name.
    pub uid: DataKeyUid,
    /// The workspace.
    pub workspace: WorkspaceUid,
    /// The branch key that wrapped the key of the payload.
    pub wrapped_by: WrappedBy,
    /// The key of the payload, sealed under the branch key.
    pub wrapped_data_key: Vec<u8>,
    /// The data key itself, sealed.
    pub payload: Vec<u8>,
    /// When it was made.
    pub create_time: Timestamp,
}
