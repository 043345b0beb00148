//! The parts of the router and the vault: the real services with production settings, on loopback
//! addresses, and the key that they need.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::exit::Failure;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::{self, TelemetryConfig};
use latchkey_contract::vault::v1::key_material::Kind;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_contract::vault::v1::{CreateKeyRequest, CreateWorkspaceRequest, Key, KeyMaterial};
use latchkey_egress::EgressPolicy;
use latchkey_router::config::{self as router, ProviderConfig, RouterConfig};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use latchkey_vault::config::{self as vault, VaultConfig};
use latchkey_vault::custody::keyring::KeyRingFile;
use ring::rand::SystemRandom;
use tokio::runtime::Runtime;
use tonic::Code;

use crate::part::announce;
use crate::transcript::{PROVIDER_KEY, WORKSPACE};

/// The token of the caller and admin. None of these is a secret: they are valid during the run only.
pub(crate) const CALLER_TOKEN: &str = "the-token-of-the-benchmarks-caller-0000000";
const ROUTER_TOKEN: &str = "the-token-of-the-benchmarks-router-0000000";

const EVERYTHING: &str = "workspaces/*";

/// A runtime like that of `#[tokio::main]`. On one core it has one worker.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::run)
}

/// Runs the vault.
pub(crate) fn vault(folder: &Path) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let _telemetry = telemetry::init("latchkey-vault", &telemetry())?;
        let keyring_file = folder.join("keyring.toml");
        KeyRingFile::create(&keyring_file, &SystemRandom::new()).map_err(Failure::run)?;
        let url = database(folder, "vault.db");
        let store = latchkey_vault::store::Store::connect(url.expose(), 1).await;
        store
            .map_err(Failure::run)?
            .migrate()
            .await
            .map_err(Failure::run)?;
        let grant = |identity: &str, role, scope: Option<&str>| {
            let (identity, scope) = (identity.to_owned(), scope.map(str::to_owned));
            Grant {
                identity,
                role,
                scope,
            }
        };
        let config = VaultConfig {
            server: ServerConfig::new(loopback()),
            database: vault::DatabaseConfig {
                url: Some(url),
                url_file: None,
                max_connections: 8,
            },
            keyring_file,
            identity: identities(&[("caller", CALLER_TOKEN), ("router", ROUTER_TOKEN)])?,
            grants: vec![
                grant("token:caller", vault::Role::Operator, None),
                grant("token:caller", vault::Role::Owner, Some(EVERYTHING)),
                grant("token:router", vault::Role::Router, None),
            ],
            egress: EgressPolicy::default(),
            leasing: vault::LeasingConfig::default(),
            quarantine: vault::QuarantineConfig::default(),
            telemetry: telemetry(),
        };
        let vault = config.build(Drain::new()).await?;
        announce(vault.local_addr())?;
        vault.serve().await
    })
}

/// Runs the router.
pub(crate) fn router(folder: &Path, mock: SocketAddr, vault: SocketAddr) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let _telemetry = telemetry::init("latchkey-router", &telemetry())?;
        let url = database(folder, "router.db");
        let store = latchkey_router::store::Store::connect(url.expose(), 1).await;
        store
            .map_err(Failure::run)?
            .migrate()
            .await
            .map_err(Failure::run)?;
        let base_url = format!("http://{mock}/v1").parse().map_err(Failure::run)?;
        let openai = ProviderConfig {
            base_url: Some(base_url),
            token_url: None,
        };
        let journal = router::JournalConfig {
            folder: folder.join("journal"),
            sync_milliseconds: 10,
        };
        let config = RouterConfig {
            instance: "bench".to_owned(),
            server: ServerConfig::new(loopback()),
            database: router::DatabaseConfig {
                url: Some(url),
                url_file: None,
                max_connections: 4,
            },
            journal,
            vault: channel(vault, ROUTER_TOKEN)?,
            identity: identities(&[("caller", CALLER_TOKEN)])?,
            grants: vec![Grant {
                identity: "token:caller".to_owned(),
                role: router::Role::Caller,
                scope: Some(EVERYTHING.to_owned()),
            }],
            egress: EgressPolicy::default(),
            upstream: router::UpstreamConfig::default(),
            providers: BTreeMap::from([("openai".to_owned(), openai)]),
            attempts: router::AttemptsConfig::default(),
            listing: router::ListingConfig::default(),
            catalogue: router::CatalogueConfig::default(),
            telemetry: telemetry(),
        };
        let router = config.build(Drain::new()).await?;
        announce(router.local_addr())?;
        router.serve().await
    })
}

/// Stores the key of the prompts, once the router has opened its session with the vault: the router
/// verifies the key with the mock.
pub(crate) async fn store_key(vault: SocketAddr) -> Result<(), Failure> {
    const WAIT_ATTEMPTS: u32 = 200;
    let channel: AuthorizedChannel = channel(vault, CALLER_TOKEN)?.open()?;
    let workspace_id = WORKSPACE.trim_start_matches("workspaces/").to_owned();
    let request = CreateWorkspaceRequest {
        workspace_id,
        ..Default::default()
    };
    let mut workspaces = WorkspaceServiceClient::new(channel.clone());
    workspaces
        .create_workspace(request)
        .await
        .map_err(Failure::run)?;
    let request = CreateKeyRequest {
        parent: WORKSPACE.to_owned(),
        key_id: "openai".to_owned(),
        key: Some(Key {
            provider: "openai".to_owned(),
            ..Default::default()
        }),
        material: Some(KeyMaterial {
            kind: Some(Kind::ApiKey(PROVIDER_KEY.to_owned())),
        }),
        ..Default::default()
    };
    let mut keys = KeyServiceClient::new(channel);
    for _ in 0..WAIT_ATTEMPTS {
        match keys.create_key(request.clone()).await {
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::Unavailable => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(status) => return Err(Failure::run(status)),
        }
    }
    Err(Failure::run(
        "the router opened no session with the vault in time",
    ))
}

/// Logs at `info`, the default.
fn telemetry() -> TelemetryConfig {
    TelemetryConfig::default()
}

fn identities(tokens: &[(&str, &str)]) -> Result<IdentityConfig, Failure> {
    let tokens = tokens.iter().map(|(name, token)| {
        let name = TokenName::parse(name).map_err(Failure::config)?;
        Ok(TokenConfig {
            name,
            sha256: TokenDigest::of(token),
        })
    });
    Ok(IdentityConfig {
        tokens: tokens.collect::<Result<_, Failure>>()?,
    })
}

fn channel(address: SocketAddr, token: &str) -> Result<ChannelConfig, Failure> {
    let endpoint = format!("http://{address}").parse().map_err(Failure::run)?;
    let mut config = ChannelConfig::new(endpoint);
    config.token = Some(SecretString::new(token.to_owned()));
    Ok(config)
}

fn database(folder: &Path, name: &str) -> SecretString {
    SecretString::new(format!("sqlite://{}?mode=rwc", folder.join(name).display()))
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
