//! The tables, as sea-orm sees them. Nothing outside `store` names these types.

pub(super) mod answered_requests;
pub(super) mod audit_events;
pub(super) mod branch_keys;
pub(super) mod data_keys;
pub(super) mod deployment;
pub(super) mod key_versions;
#[expect(
    clippy::struct_field_names,
    reason = "`default_model` is a column's name"
)]
pub(super) mod keys;
pub(super) mod members;
pub(super) mod projects;
#[expect(
    clippy::struct_field_names,
    reason = "`default_model` is a column's name"
)]
pub(super) mod provider_access;
pub(super) mod workspaces;
