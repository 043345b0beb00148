//! The roles that configuration and workspaces grant in the router.

use serde::Deserialize;

/// A role of an identity.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends prompts for a workspace.
    Caller,
    /// Runs the deployment.
    Operator,
    /// Owns a workspace.
    Owner,
}

impl latchkey_rpc::access::Role for Role {
    fn is_of_the_deployment(self) -> bool {
        matches!(self, Self::Operator)
    }
}
