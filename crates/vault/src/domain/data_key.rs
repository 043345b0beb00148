//! Keys that the vault makes and leases to routers, to seal with on behalf of a workspace.

use latchkey_clock::Timestamp;

use super::uid::{DataKeyUid, WorkspaceUid};
use super::version::WrappedBy;

/// A data key as it is kept: sealed like the material of a provider's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DataKey {
    /// Its identity, which is also the last segment of its name.
    pub uid: DataKeyUid,
    /// Whose it is.
    pub workspace: WorkspaceUid,
    /// Which key wrapped the key that the payload is sealed under.
    pub wrapped_by: WrappedBy,
    /// That key, sealed under the branch key.
    pub wrapped_data_key: Vec<u8>,
    /// The data key itself, sealed.
    pub payload: Vec<u8>,
    /// When it was made.
    pub create_time: Timestamp,
}
