//! The presets of examples/, read as grpcurl reads them.

use std::path::PathBuf;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use latchkey_contract::vault::v1::CreateWorkspaceRequest;
use prost_reflect::{DescriptorPool, DynamicMessage};

/// The request in `examples/{system}.json`.
pub(crate) fn preset(system: &str) -> CreateWorkspaceRequest {
    let file = root().join("examples").join(format!("{system}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let request = pool.get_message_by_name("latchkey.vault.v1.CreateWorkspaceRequest");
    let mut json = serde_json::Deserializer::from_str(&text);
    let read = DynamicMessage::deserialize(request.unwrap(), &mut json);
    let read = read.unwrap_or_else(|problem| panic!("{}: {problem}", file.display()));
    json.end().unwrap();
    read.transcode_to().unwrap()
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
