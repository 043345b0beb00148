//! The router's configuration: a TOML file and environment variables that begin with
//! `LATCHKEY_ROUTER_`. Every option is in `deploy/config/router.toml`, commented.

use std::collections::BTreeMap;

use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_egress::EgressPolicy;
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::ChannelConfig;
use latchkey_rpc::identity::IdentityConfig;
use serde::Deserialize;

pub use crate::catalogue::CatalogueConfig;
pub use crate::dispatch::AttemptsConfig;
pub use crate::domain::role::Role;
pub use crate::ledger::JournalConfig;
pub use crate::listing::ListingConfig;
pub use crate::provider_call::{PoolsConfig, ProviderConfig, UpstreamConfig};
pub use crate::store::DatabaseConfig;

/// What the environment variables begin with.
pub const ENVIRONMENT_PREFIX: &str = "LATCHKEY_ROUTER_";

/// The whole configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouterConfig {
    /// What this router calls itself towards the vault. Default `router`.
    #[serde(default = "default_instance")]
    pub instance: String,
    /// Where it listens.
    pub server: ServerConfig,
    /// Where the account is kept.
    pub database: DatabaseConfig,
    /// Where attempts are written first.
    pub journal: JournalConfig,
    /// How the vault is reached.
    pub vault: ChannelConfig,
    /// How callers prove who they are.
    #[serde(default)]
    pub identity: IdentityConfig,
    /// What they may be.
    #[serde(default)]
    pub grants: Vec<Grant<Role>>,
    /// Where keys may be sent that carry an address of their own.
    #[serde(default)]
    pub egress: EgressPolicy,
    /// How patient it is with providers.
    #[serde(default)]
    pub upstream: UpstreamConfig,
    /// How often it tries, and when it leaves a key alone.
    #[serde(default)]
    pub attempts: AttemptsConfig,
    /// How long providers' lists of models are kept.
    #[serde(default)]
    pub listing: ListingConfig,
    /// Addresses of providers, by their id, in place of the public ones.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Models and their prices.
    #[serde(default)]
    pub catalogue: CatalogueConfig,
    /// Logs, traces and metrics.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

fn default_instance() -> String {
    "router".to_owned()
}
