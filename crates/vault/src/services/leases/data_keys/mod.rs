//! Data keys: the vault makes, seals and stores them; routers lease them and store none.

pub(super) mod create;
pub(super) mod destroy;
pub(super) mod lease;

use latchkey_contract::names::DataKeyName;
use latchkey_contract::vault::v1;
use latchkey_envelope::Secret;
use uuid::Uuid;

use crate::domain::uid::{DataKeyUid, WorkspaceUid};

fn uid(name: &DataKeyName) -> DataKeyUid {
    let id = Uuid::try_parse(name.data_key.as_str());
    DataKeyUid(id.expect("a canonical UUID is a UUID"))
}

/// A data key with its material, for routers alone.
fn message(name: String, workspace: WorkspaceUid, material: &Secret) -> v1::DataKey {
    v1::DataKey {
        name,
        material: material.expose().to_vec(),
        workspace_uid: workspace.to_string(),
    }
}
