//! A vault and a router, started and stopped together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_boot::tls::{ClientTls, ServerTls};
use latchkey_egress::EgressPolicy;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_router::config::{self as router, RouterConfig};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use latchkey_vault::config::{self as vault, VaultConfig};
use latchkey_vault::custody::keyring::KeyRingFile;
use ring::rand::SystemRandom;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::provider::FakeProvider;
use crate::requests::Clients;
use crate::world::World;

/// How services and callers authenticate.
#[derive(Clone, Debug, Default)]
pub enum Security {
    /// By tokens, in clear text.
    #[default]
    Tokens,
    /// By client certificates with SPIFFE IDs.
    Certificates(Box<Certificates>),
}

/// The certificates that each party presents and trusts.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The certificate of both services.
    pub server: ServerTls,
    /// The router's certificate towards the vault: `spiffe://example.org/router`.
    pub router: ClientTls,
    /// The admin's certificate: `spiffe://example.org/admin`.
    pub admin: ClientTls,
}

/// A running deployment. The token of a caller is `{name}-token`. The callers are `admin` (operator,
/// and owner and caller everywhere), `acme` (owner and caller of `workspaces/acme`) and `router`.
/// `owner`, `member`, `service` and `stranger` have only the roles that a workspace gives them.
pub struct Deployment {
    /// The vault's database.
    pub vault_database: TestDatabase,
    /// The router's database.
    pub router_database: TestDatabase,
    /// The folder of the keyring and the journal.
    pub folder: TempDir,
    /// The provider at the addresses of `openai` and `anthropic`.
    pub provider: FakeProvider,
    /// All other providers.
    pub world: World,
    /// The vault's address.
    pub vault: SocketAddr,
    /// The router's address.
    pub router: SocketAddr,
    security: Security,
    drains: [Drain; 2],
    tasks: [JoinHandle<()>; 2],
}

impl Deployment {
    /// Starts a deployment over fresh databases.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, Security::Tokens).await
    }

    /// Starts a deployment with the workspace `acme`. Returns the admin's clients with it.
    pub async fn start_with_workspace(backend: Backend) -> (Self, Clients) {
        let deployment = Self::start(backend).await;
        let mut admin = deployment.clients("admin");
        admin.workspace("acme").await;
        (deployment, admin)
    }

    /// The same, with the key `main` of openai in the workspace: `sk-not-a-real-key-0001wxyz`.
    pub async fn start_with_key(backend: Backend) -> (Self, Clients) {
        let (deployment, mut admin) = Self::start_with_workspace(backend).await;
        admin
            .key(
                "workspaces/acme",
                "main",
                "openai",
                "sk-not-a-real-key-0001wxyz",
            )
            .await
            .expect("the provider accepts the key");
        (deployment, admin)
    }

    /// Starts a deployment whose parties authenticate in this way.
    pub async fn start_with(backend: Backend, security: Security) -> Self {
        let vault_database = TestDatabase::fresh(backend).await;
        let router_database = TestDatabase::fresh(backend).await;
        let folder = TempDir::new().expect("the temporary folder is writable");
        let provider = FakeProvider::start().await;
        let world = World::start().await;
        let keyring = folder.path().join("keyring.toml");
        KeyRingFile::create(&keyring, &SystemRandom::new()).expect("the folder is fresh");
        migrate(&vault_database.url, &router_database.url).await;

        let drains = [Drain::new(), Drain::new()];
        let config = vault_config(&vault_database.url, keyring, &security);
        let app = config
            .build(drains[0].clone())
            .await
            .expect("the vault's configuration is good");
        let vault = app.local_addr();
        let vault_task = tokio::spawn(async move { app.serve().await.expect("the vault serves") });

        let journal = folder.path().join("journal");
        let config = router_config(
            &router_database.url,
            journal,
            vault,
            addresses(&provider, &world),
            &security,
        );
        let app = config
            .build(drains[1].clone())
            .await
            .expect("the router's configuration is good");
        let router = app.local_addr();
        let router_task =
            tokio::spawn(async move { app.serve().await.expect("the router serves") });

        let deployment = Self {
            vault_database,
            router_database,
            folder,
            provider,
            world,
            vault,
            router,
            security,
            drains,
            tasks: [vault_task, router_task],
        };
        deployment.clients("admin").router_is_connected().await;
        deployment
    }

    /// Clients of both services with the token of `name`, or with the admin's certificate.
    pub fn clients(&self, name: &str) -> Clients {
        let open = |address| channel(address, &self.security, name);
        Clients::new(open(self.vault), open(self.router))
    }

    /// Drains the router and then the vault.
    pub async fn stop(self) -> (TestDatabase, TestDatabase, TempDir) {
        let [vault_drain, router_drain] = self.drains;
        let [vault_task, router_task] = self.tasks;
        router_drain.start();
        router_task.await.expect("the router drains");
        vault_drain.start();
        vault_task.await.expect("the vault drains");
        (self.vault_database, self.router_database, self.folder)
    }
}

/// A channel to a service, as `name`.
pub fn channel(address: SocketAddr, security: &Security, name: &str) -> AuthorizedChannel {
    let scheme = if matches!(security, Security::Tokens) {
        "http"
    } else {
        "https"
    };
    let endpoint = format!("{scheme}://{address}")
        .parse()
        .expect("an address makes a URL");
    let mut config = ChannelConfig::new(endpoint);
    match security {
        Security::Tokens => config.token = Some(SecretString::new(format!("{name}-token"))),
        Security::Certificates(certificates) => {
            let own = if name == "router" {
                &certificates.router
            } else {
                &certificates.admin
            };
            config.tls = Some(own.clone());
        }
    }
    config.open().expect("the channel's configuration is good")
}

async fn migrate(vault: &str, router: &str) {
    let store = latchkey_vault::store::Store::connect(vault, 1)
        .await
        .expect("it connects");
    store.migrate().await.expect("an empty database migrates");
    let store = latchkey_router::store::Store::connect(router, 1)
        .await
        .expect("it connects");
    store.migrate().await.expect("an empty database migrates");
}

fn vault_config(url: &str, keyring_file: PathBuf, security: &Security) -> VaultConfig {
    let grant = |identity: &str, role, scope: Option<&str>| Grant {
        identity: identity.to_owned(),
        role,
        scope: scope.map(str::to_owned),
    };
    let mut grants = Vec::new();
    for admin in ["token:admin", "spiffe://example.org/admin"] {
        grants.push(grant(admin, vault::Role::Operator, None));
        grants.push(grant(admin, vault::Role::Owner, Some("workspaces/*")));
    }
    for router in ["token:router", "spiffe://example.org/router"] {
        grants.push(grant(router, vault::Role::Router, None));
    }
    grants.push(grant(
        "token:acme",
        vault::Role::Owner,
        Some("workspaces/acme"),
    ));
    VaultConfig {
        server: server(security),
        database: vault::DatabaseConfig {
            url: Some(SecretString::new(url.to_owned())),
            url_file: None,
            max_connections: 8,
        },
        keyring_file,
        identity: identities(security),
        grants,
        egress: EgressPolicy::with_loopback(),
        leasing: vault::LeasingConfig::default(),
        quarantine: vault::QuarantineConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}

fn router_config(
    url: &str,
    journal: PathBuf,
    vault: SocketAddr,
    providers: BTreeMap<String, router::ProviderConfig>,
    security: &Security,
) -> RouterConfig {
    let mut grants = Vec::new();
    for (identity, scope) in [
        ("token:admin", "workspaces/*"),
        ("spiffe://example.org/admin", "workspaces/*"),
        ("token:acme", "workspaces/acme"),
    ] {
        for role in [router::Role::Caller, router::Role::Owner] {
            let (identity, scope) = (identity.to_owned(), Some(scope.to_owned()));
            grants.push(Grant {
                identity,
                role,
                scope,
            });
        }
    }
    for admin in ["token:admin", "spiffe://example.org/admin"] {
        grants.push(Grant {
            identity: admin.to_owned(),
            role: router::Role::Operator,
            scope: None,
        });
    }
    let scheme = if matches!(security, Security::Tokens) {
        "http"
    } else {
        "https"
    };
    let url_of_vault = format!("{scheme}://{vault}")
        .parse()
        .expect("an address makes a URL");
    let mut channel = ChannelConfig::new(url_of_vault);
    match security {
        Security::Tokens => channel.token = Some(SecretString::new("router-token".to_owned())),
        Security::Certificates(certificates) => channel.tls = Some(certificates.router.clone()),
    }
    RouterConfig {
        instance: "test".to_owned(),
        server: server(security),
        database: router::DatabaseConfig {
            url: Some(SecretString::new(url.to_owned())),
            url_file: None,
            max_connections: 4,
        },
        journal: router::JournalConfig {
            folder: journal,
            sync_milliseconds: 10,
        },
        vault: channel,
        identity: identities(security),
        grants,
        egress: EgressPolicy::with_loopback(),
        upstream: router::UpstreamConfig::default(),
        attempts: router::AttemptsConfig {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(1),
            ..router::AttemptsConfig::default()
        },
        listing: router::ListingConfig::default(),
        providers,
        catalogue: router::CatalogueConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}

/// The addresses of providers, as an operator configures them.
fn addresses(provider: &FakeProvider, world: &World) -> BTreeMap<String, router::ProviderConfig> {
    let url = |url: String| Some(url.parse().expect("a provider's address is a URL"));
    let mut addresses = BTreeMap::from([
        ("openai".to_owned(), url(provider.base_url())),
        ("anthropic".to_owned(), url(provider.root_url())),
    ]);
    for name in ["deepseek", "google", "openrouter", "vertex"] {
        addresses.insert(name.to_owned(), url(world.base_url(name)));
    }
    // Its keys have addresses of their own.
    addresses.insert("azure".to_owned(), None);
    let place = |(name, base_url): (String, _)| {
        let token_url = ["azure", "vertex"]
            .contains(&&*name)
            .then(|| world.token_url());
        let config = router::ProviderConfig {
            base_url,
            token_url: token_url.and_then(url),
        };
        (name, config)
    };
    addresses.into_iter().map(place).collect()
}

fn server(security: &Security) -> ServerConfig {
    let mut config = ServerConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    if let Security::Certificates(certificates) = security {
        config.tls = Some(certificates.server.clone());
    }
    config
}

fn identities(security: &Security) -> IdentityConfig {
    let names: &[&str] = match security {
        Security::Tokens => &[
            "admin", "acme", "router", "stranger", "owner", "member", "service",
        ],
        Security::Certificates(_) => &[],
    };
    let token = |name: &&str| TokenConfig {
        name: TokenName::parse(name).expect("the names here are valid"),
        sha256: TokenDigest::of(&format!("{name}-token")),
    };
    IdentityConfig {
        tokens: names.iter().map(token).collect(),
    }
}
