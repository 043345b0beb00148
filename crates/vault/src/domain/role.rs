//! The roles that configuration grants in the vault.

use serde::Deserialize;

/// What an identity may be to the vault.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the deployment: workspaces, platform keys, the whole audit.
    Operator,
    /// Owns a workspace: its projects and keys.
    Owner,
    /// A router: borrows keys.
    Router,
}

impl latchkey_boot::rpc::access::Role for Role {}
