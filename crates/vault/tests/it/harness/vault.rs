//! Starting a vault, and reaching it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_clock::{ManualClock, Timestamp};
use latchkey_contract::vault::v1::audit_service_client::AuditServiceClient;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::provider_service_client::ProviderServiceClient;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_egress::EgressPolicy;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use latchkey_vault::config::{DatabaseConfig, LeasingConfig, QuarantineConfig, Role, VaultConfig};
use latchkey_vault::custody::keyring::KeyRingFile;
use latchkey_vault::quarantine::Rechecks;
use latchkey_vault::store::Store;
use ring::rand::SystemRandom;
use sea_orm::{Database, DatabaseConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Who calls: a name, which is also the token that is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Who(&'static str);

/// Runs the deployment.
pub(crate) const OPERATOR: Who = Who("operator");
/// Owns every workspace.
pub(crate) const OWNER: Who = Who("owner");
/// Owns `workspaces/acme` alone.
pub(crate) const ACME_OWNER: Who = Who("acme-owner");
/// A router.
pub(crate) const ROUTER: Who = Who("router");
/// Another router.
pub(crate) const OTHER_ROUTER: Who = Who("other-router");
/// Owns what made her a member.
pub(crate) const ADA: Who = Who("ada");
/// A member, where he was made one.
pub(crate) const BOB: Who = Who("bob");
/// A service that uses keys, where it was made a member.
pub(crate) const BOT: Who = Who("bot");
/// Has a token and no grant.
pub(crate) const UNGRANTED: Who = Who("ungranted");
/// Has a token that the vault does not know.
pub(crate) const STRANGER: Who = Who("stranger");
/// Shows no credential.
pub(crate) const ANONYMOUS: Who = Who("");

impl Who {
    /// The name in the audit log.
    pub(crate) fn actor(self) -> String {
        format!("token:{}", self.0)
    }
}

/// A running vault and its database.
pub(crate) struct Vault {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    pub(crate) drain: Drain,
    folder: TempDir,
    address: SocketAddr,
    rechecks: Arc<Rechecks>,
    serving: JoinHandle<()>,
}

/// 2026-11-21T12:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

impl Vault {
    /// A vault over a fresh database.
    pub(crate) async fn start(backend: Backend) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 1).await.unwrap();
        store.migrate().await.unwrap();
        let folder = TempDir::new().unwrap();
        KeyRingFile::create(&keyring(&folder), &SystemRandom::new()).unwrap();
        Self::serve(database, folder, Arc::new(ManualClock::new(START))).await
    }

    /// The same vault after a new start: nothing is left in memory.
    pub(crate) async fn restart(self) -> Self {
        self.drain.cut_short();
        self.serving.await.unwrap();
        Self::serve(self.database, self.folder, self.clock).await
    }

    async fn serve(database: TestDatabase, folder: TempDir, clock: Arc<ManualClock>) -> Self {
        let drain = Drain::new();
        let config = config(&database.url, keyring(&folder));
        let app = config
            .build_with(drain.clone(), Arc::clone(&clock) as Arc<_>)
            .await
            .unwrap();
        let address = app.local_addr();
        let rechecks = app.rechecks().unwrap();
        let serving = tokio::spawn(async move { app.serve().await.unwrap() });
        Self {
            clock,
            database,
            drain,
            folder,
            address,
            rechecks,
            serving,
        }
    }

    /// A second vault beside this one, over the same database and keyring.
    pub(crate) async fn replica(&self) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::copy(self.keyring(), keyring(&folder)).unwrap();
        let database = TestDatabase {
            url: self.database.url.clone(),
            folder: None,
        };
        Self::serve(database, folder, Arc::clone(&self.clock)).await
    }

    /// Checks the refused keys that are due, as the vault does by itself from time to time.
    pub(crate) async fn checks_again(&self) {
        self.rechecks.round().await;
    }

    /// The file with its root keys.
    pub(crate) fn keyring(&self) -> PathBuf {
        keyring(&self.folder)
    }

    /// A connection of `who`.
    pub(crate) fn channel(&self, who: Who) -> AuthorizedChannel {
        let mut config = ChannelConfig::new(format!("http://{}", self.address).parse().unwrap());
        config.token = (who != ANONYMOUS).then(|| SecretString::new(who.0.to_owned()));
        config.open().unwrap()
    }

    pub(crate) fn workspaces(&self, who: Who) -> WorkspaceServiceClient<AuthorizedChannel> {
        WorkspaceServiceClient::new(self.channel(who))
    }

    pub(crate) fn keys(&self, who: Who) -> KeyServiceClient<AuthorizedChannel> {
        KeyServiceClient::new(self.channel(who))
    }

    pub(crate) fn leases(&self, who: Who) -> LeaseServiceClient<AuthorizedChannel> {
        LeaseServiceClient::new(self.channel(who))
    }

    pub(crate) fn providers(&self, who: Who) -> ProviderServiceClient<AuthorizedChannel> {
        ProviderServiceClient::new(self.channel(who))
    }

    pub(crate) fn audit(&self, who: Who) -> AuditServiceClient<AuthorizedChannel> {
        AuditServiceClient::new(self.channel(who))
    }

    /// A way around the vault, straight to its tables.
    pub(crate) async fn tables(&self) -> DatabaseConnection {
        Database::connect(&self.database.url).await.unwrap()
    }
}

fn keyring(folder: &TempDir) -> PathBuf {
    folder.path().join("keyring.toml")
}

/// A configuration in which the callers above are known.
pub(crate) fn config(url: &str, keyring_file: PathBuf) -> VaultConfig {
    let known = [
        OPERATOR,
        OWNER,
        ACME_OWNER,
        ROUTER,
        OTHER_ROUTER,
        UNGRANTED,
        ADA,
        BOB,
        BOT,
    ];
    let tokens = known.map(|who| TokenConfig {
        name: TokenName::parse(who.0).unwrap(),
        sha256: TokenDigest::of(who.0),
    });
    let grant = |who: Who, role, scope: Option<&str>| Grant {
        identity: who.actor(),
        role,
        scope: scope.map(ToOwned::to_owned),
    };
    VaultConfig {
        server: ServerConfig::new("127.0.0.1:0".parse().unwrap()),
        database: DatabaseConfig {
            url: Some(SecretString::new(url.to_owned())),
            url_file: None,
            max_connections: 4,
        },
        keyring_file,
        identity: IdentityConfig {
            tokens: tokens.to_vec(),
        },
        grants: vec![
            grant(OPERATOR, Role::Operator, None),
            grant(OWNER, Role::Owner, Some("workspaces/*")),
            grant(ACME_OWNER, Role::Owner, Some("workspaces/acme")),
            grant(ROUTER, Role::Router, None),
            grant(OTHER_ROUTER, Role::Router, None),
        ],
        egress: EgressPolicy::default(),
        leasing: LeasingConfig::default(),
        quarantine: QuarantineConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}
