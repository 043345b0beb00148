//! The vault's configuration: a TOML file and environment variables that begin with
//! `LATCHKEY_VAULT_`. `deploy/config/vault.toml` has every option with a comment.

use std::path::PathBuf;

use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_egress::EgressPolicy;
use latchkey_rpc::access::Grant;
use latchkey_rpc::identity::IdentityConfig;
use serde::Deserialize;

pub use crate::domain::role::Role;
pub use crate::leasing::LeasingConfig;
pub use crate::quarantine::QuarantineConfig;
pub use crate::store::DatabaseConfig;

/// The prefix of the environment variables.
pub const ENVIRONMENT_PREFIX: &str = "LATCHKEY_VAULT_";

/// The whole configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// The listening socket.
    pub server: ServerConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The file with the root keys.
    pub keyring_file: PathBuf,
    /// The tokens and certificates of callers.
    #[serde(default)]
    pub identity: IdentityConfig,
    /// The roles of callers.
    #[serde(default)]
    pub grants: Vec<Grant<Role>>,
    /// The networks that keys may be sent to.
    #[serde(default)]
    pub egress: EgressPolicy,
    /// How long routers may go on without the vault.
    #[serde(default)]
    pub leasing: LeasingConfig,
    /// When refused keys are checked again.
    #[serde(default)]
    pub quarantine: QuarantineConfig,
    /// Logs, traces and metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}
