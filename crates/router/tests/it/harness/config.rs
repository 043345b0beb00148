//! The configuration of test routers, and the callers it knows.

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

/// A caller; its token equals its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Caller(pub(crate) &'static str);

/// The operator of the deployment.
pub(crate) const OPERATOR: Caller = Caller("operator");
/// An owner of acme, by configuration.
pub(crate) const OWNER: Caller = Caller("owner");
/// A caller for acme, by configuration.
pub(crate) const APP: Caller = Caller("app");
/// Another caller for acme.
pub(crate) const OTHER_APP: Caller = Caller("other-app");
/// A caller for another workspace.
pub(crate) const OTHER_CALLER: Caller = Caller("other-caller");
/// A person with the role owner where the vault lists her.
pub(crate) const ADA: Caller = Caller("ada");
/// A person with the role member where the vault lists him.
pub(crate) const BOB: Caller = Caller("bob");
/// A service with the role caller where the vault lists it.
pub(crate) const BOT: Caller = Caller("bot");
/// A caller with a token but no grant.
pub(crate) const WITHOUT_ROLE: Caller = Caller("without-role");
/// A caller whose token the router does not know.
pub(crate) const STRANGER: Caller = Caller("stranger");
/// A caller without a credential.
pub(crate) const ANONYMOUS: Caller = Caller("");

impl Caller {
    /// The requester that attempts are recorded under.
    pub(crate) fn requester(self) -> String {
        format!("token:{}", self.0)
    }
}

/// The default limits with pauses of a few milliseconds.
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

/// One call per request, without cool-downs.
pub(crate) const ONCE: AttemptsConfig = AttemptsConfig {
    per_model: 1,
    throttled_pause: Duration::ZERO,
    refused_pause: Duration::ZERO,
    breaker_failures: u32::MAX,
    ..QUICK
};

/// A configuration with the callers above.
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
        WITHOUT_ROLE,
    ];
    let tokens = known.map(|caller| TokenConfig {
        name: TokenName::parse(caller.0).unwrap(),
        sha256: TokenDigest::of(caller.0),
    });
    let grant = |caller: Caller, role, scope: Option<&str>| Grant {
        identity: caller.requester(),
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
