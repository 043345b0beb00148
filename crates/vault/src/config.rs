//! The vault's configuration: a TOML file and environment variables that begin with
//! `LATCHKEY_VAULT_`. Every option is in `deploy/config/vault.toml`, commented.

use std::path::PathBuf;

use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_egress::EgressPolicy;
use latchkey_rpc::access::Grant;
use latchkey_rpc::identity::IdentityConfig;
use serde::Deserialize;

pub use crate::domain::role::Role;
pub use crate::leasing::LeasingConfig;
pub use crate::store::DatabaseConfig;

/// What the environment variables begin with.
pub const ENVIRONMENT_PREFIX: &str = "LATCHKEY_VAULT_";

/// The whole configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// Where it listens.
    pub server: ServerConfig,
    /// Where it stores.
    pub database: DatabaseConfig,
    /// The file with the root keys.
    pub keyring_file: PathBuf,
    /// How callers prove who they are.
    #[serde(default)]
    pub identity: IdentityConfig,
    /// What they may be.
    #[serde(default)]
    pub grants: Vec<Grant<Role>>,
    /// Where keys may be sent.
    #[serde(default)]
    pub egress: EgressPolicy,
    /// How long routers may go on alone.
    #[serde(default)]
    pub leasing: LeasingConfig,
    /// Logs, traces and metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}
