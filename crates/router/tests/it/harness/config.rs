//! How the routers of tests are configured, and whom they know.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_egress::EgressPolicy;
use latchkey_router::config::{
    AttemptsConfig, CatalogueConfig, DatabaseConfig, JournalConfig, ListingConfig, Role,
    RouterConfig, UpstreamConfig,
};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::ChannelConfig;
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use tempfile::TempDir;

use super::requests::ACME;
use super::vault::{ROUTER, Vault};

/// Who calls; the token is the name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Who(pub(crate) &'static str);

/// Runs the deployment.
pub(crate) const OPERATOR: Who = Who("operator");
/// Owns acme.
pub(crate) const OWNER: Who = Who("owner");
/// Sends prompts for acme.
pub(crate) const APP: Who = Who("app");
/// Another one that does.
pub(crate) const OTHER_APP: Who = Who("other-app");
/// Sends prompts for another workspace.
pub(crate) const OTHER_CALLER: Who = Who("other-caller");
/// Owns what made her a member.
pub(crate) const ADA: Who = Who("ada");
/// A member, where he was made one.
pub(crate) const BOB: Who = Who("bob");
/// A service, where it was made a member.
pub(crate) const BOT: Who = Who("bot");
/// Has a token and no grant.
pub(crate) const NOBODY: Who = Who("nobody");
/// Has a token that the router does not know.
pub(crate) const STRANGER: Who = Who("stranger");
/// Shows no credential.
pub(crate) const ANONYMOUS: Who = Who("");

impl Who {
    /// The name in accounts.
    pub(crate) fn requester(self) -> String {
        format!("token:{}", self.0)
    }
}

/// As many tries as by default, with hardly a pause.
pub(crate) const QUICK: AttemptsConfig = AttemptsConfig {
    most: 8,
    per_model: 3,
    per_key: 2,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(2),
    longest_wait: Duration::from_secs(10),
    throttled_pause: Duration::from_secs(5),
    refused_pause: Duration::from_mins(1),
    breaker_failures: 5,
    breaker_pause: Duration::from_secs(10),
    breaker_longest_pause: Duration::from_mins(1),
};

/// One call for each request, whatever happened before.
pub(crate) const ONCE: AttemptsConfig = AttemptsConfig {
    per_model: 1,
    throttled_pause: Duration::ZERO,
    refused_pause: Duration::ZERO,
    breaker_failures: u32::MAX,
    ..QUICK
};

/// A configuration in which the callers above are known.
pub(super) fn config(url: &str, folder: &TempDir, vault: &Vault) -> RouterConfig {
    let known = [
        OPERATOR,
        OWNER,
        APP,
        OTHER_APP,
        OTHER_CALLER,
        ADA,
        BOB,
        BOT,
        NOBODY,
    ];
    let tokens = known.map(|who| TokenConfig {
        name: TokenName::parse(who.0).unwrap(),
        sha256: TokenDigest::of(who.0),
    });
    let grant = |who: Who, role, scope: Option<&str>| Grant {
        identity: who.requester(),
        role,
        scope: scope.map(ToOwned::to_owned),
    };
    let mut vault = ChannelConfig::new(vault.url().parse().unwrap());
    vault.token = Some(SecretString::new(ROUTER.to_owned()));
    RouterConfig {
        instance: "router-1".to_owned(),
        server: ServerConfig::new("127.0.0.1:0".parse().unwrap()),
        database: DatabaseConfig {
            url: Some(SecretString::new(url.to_owned())),
            url_file: None,
            max_connections: 4,
        },
        journal: JournalConfig {
            folder: folder.path().join("journal"),
            sync_milliseconds: 10,
        },
        vault,
        identity: IdentityConfig {
            tokens: tokens.to_vec(),
        },
        grants: vec![
            grant(OPERATOR, Role::Operator, None),
            grant(OWNER, Role::Owner, Some(ACME)),
            grant(APP, Role::Caller, Some(ACME)),
            grant(OTHER_APP, Role::Caller, Some(ACME)),
            grant(OTHER_CALLER, Role::Caller, Some("workspaces/other")),
        ],
        egress: EgressPolicy::with_loopback(),
        upstream: UpstreamConfig::default(),
        attempts: QUICK,
        listing: ListingConfig::default(),
        providers: BTreeMap::new(),
        catalogue: CatalogueConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}
