//! The two services, configured for development.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_egress::EgressPolicy;
use latchkey_router::config::{self as router, RouterConfig};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use latchkey_vault::config::{self as vault, VaultConfig};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::folder::{Folder, random_token};
use crate::arguments::Dev;

/// The running services.
pub(super) struct Running {
    /// The vault's address.
    pub(super) vault: SocketAddr,
    /// The router's address.
    pub(super) router: SocketAddr,
    vault_drain: Drain,
    router_drain: Drain,
    vault_task: JoinHandle<Result<(), Failure>>,
    router_task: JoinHandle<Result<(), Failure>>,
    failed: CancellationToken,
}

/// Channels to both services, as the admin.
pub(super) struct Clients {
    /// To the vault.
    pub(super) vault: AuthorizedChannel,
    /// To the router.
    pub(super) router: AuthorizedChannel,
}

/// Migrates both databases and starts both services.
pub(super) async fn start(options: &Dev, folder: &Folder) -> Result<Running, Failure> {
    let router_token = SecretString::new(random_token().map_err(Failure::run)?);
    let (vault_drain, router_drain) = (Drain::new(), Drain::new());

    let config = vault_config(options, folder, &router_token)?;
    migrate_vault(folder).await?;
    let vault = config.build(vault_drain.clone()).await?;
    let vault_address = vault.local_addr();

    migrate_router(folder).await?;
    let config = router_config(options, folder, vault_address, router_token)?;
    let router = config.build(router_drain.clone()).await?;
    let router_address = router.local_addr();

    let failed = CancellationToken::new();
    let (vault_over, router_over) = (failed.clone(), failed.clone());
    Ok(Running {
        vault: vault_address,
        router: router_address,
        vault_drain,
        router_drain,
        vault_task: tokio::spawn(async move {
            let served = vault.serve().await;
            vault_over.cancel();
            served
        }),
        router_task: tokio::spawn(async move {
            let served = router.serve().await;
            router_over.cancel();
            served
        }),
        failed,
    })
}

impl Running {
    /// Completes when a service has ended before the drain.
    pub(super) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Channels that carry the admin's token.
    pub(super) fn clients(&self, folder: &Folder) -> Result<Clients, Failure> {
        Ok(Clients {
            vault: channel(self.vault, folder.admin_token())?.open()?,
            router: channel(self.router, folder.admin_token())?.open()?,
        })
    }

    /// Drains the router, which still needs the vault, and then the vault.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.router_drain.start();
        let router = self.router_task.await.map_err(Failure::run)?;
        self.vault_drain.start();
        let vault = self.vault_task.await.map_err(Failure::run)?;
        router.and(vault)
    }
}

fn vault_config(
    options: &Dev,
    folder: &Folder,
    router_token: &SecretString,
) -> Result<VaultConfig, Failure> {
    let grant = |identity: &str, role, scope: Option<&str>| Grant {
        identity: identity.to_owned(),
        role,
        scope: scope.map(str::to_owned),
    };
    Ok(VaultConfig {
        server: ServerConfig::new(loopback(options.vault_port)),
        database: vault::DatabaseConfig {
            url: Some(folder.database("vault.db")),
            url_file: None,
            max_connections: 8,
        },
        keyring_file: folder.file("keyring.toml"),
        identity: identities(&[("admin", &folder.admin_token()), ("router", router_token)])?,
        grants: vec![
            grant("token:admin", vault::Role::Operator, None),
            grant("token:admin", vault::Role::Owner, Some("workspaces/*")),
            grant("token:router", vault::Role::Router, None),
        ],
        // The sandbox is on loopback.
        egress: EgressPolicy::with_loopback(),
        leasing: vault::LeasingConfig::default(),
        quarantine: vault::QuarantineConfig::default(),
        telemetry: TelemetryConfig::default(),
    })
}

fn router_config(
    options: &Dev,
    folder: &Folder,
    vault: SocketAddr,
    router_token: SecretString,
) -> Result<RouterConfig, Failure> {
    let grant = |role, scope: Option<&str>| Grant {
        identity: "token:admin".to_owned(),
        role,
        scope: scope.map(str::to_owned),
    };
    Ok(RouterConfig {
        instance: "dev".to_owned(),
        server: ServerConfig::new(loopback(options.router_port)),
        database: router::DatabaseConfig {
            url: Some(folder.database("router.db")),
            url_file: None,
            max_connections: 4,
        },
        journal: router::JournalConfig {
            folder: folder.file("journal"),
            sync_milliseconds: 10,
        },
        vault: channel(vault, router_token)?,
        identity: identities(&[("admin", &folder.admin_token())])?,
        grants: vec![
            grant(router::Role::Operator, None),
            grant(router::Role::Caller, Some("workspaces/*")),
            grant(router::Role::Owner, Some("workspaces/*")),
        ],
        egress: EgressPolicy::with_loopback(),
        upstream: router::UpstreamConfig::default(),
        attempts: router::AttemptsConfig::default(),
        listing: router::ListingConfig::default(),
        providers: BTreeMap::new(),
        catalogue: router::CatalogueConfig::default(),
        telemetry: TelemetryConfig::default(),
    })
}

fn identities(tokens: &[(&str, &SecretString)]) -> Result<IdentityConfig, Failure> {
    let tokens = tokens.iter().map(|(name, token)| {
        let name = TokenName::parse(name).map_err(Failure::config)?;
        Ok(TokenConfig {
            name,
            sha256: TokenDigest::of(token.expose()),
        })
    });
    Ok(IdentityConfig {
        tokens: tokens.collect::<Result<_, Failure>>()?,
    })
}

fn channel(address: SocketAddr, token: SecretString) -> Result<ChannelConfig, Failure> {
    let endpoint = format!("http://{address}").parse().map_err(Failure::run)?;
    let mut config = ChannelConfig::new(endpoint);
    config.token = Some(token);
    Ok(config)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn migrate_vault(folder: &Folder) -> Result<(), Failure> {
    let url = folder.database("vault.db");
    let store = latchkey_vault::store::Store::connect(url.expose(), 1).await;
    store
        .map_err(Failure::run)?
        .migrate()
        .await
        .map_err(Failure::run)
}

async fn migrate_router(folder: &Folder) -> Result<(), Failure> {
    let url = folder.database("router.db");
    let store = latchkey_router::store::Store::connect(url.expose(), 1).await;
    store
        .map_err(Failure::run)?
        .migrate()
        .await
        .map_err(Failure::run)
}
