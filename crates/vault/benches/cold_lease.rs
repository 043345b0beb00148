//! How long a cold lease takes, and how many there are in a second: `Resolve` over a real socket,
//! with identity, grants, row MACs and envelopes, of keys that the process has never seen.
//!
//! Every key is in a workspace of its own, so each first lease also reads and unwraps that
//! workspace's branch keys. The client runs in the same process and shares its cores.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to say"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::ServerConfig;
use latchkey_boot::telemetry::TelemetryConfig;
use latchkey_contract::vault::v1::key_service_client::KeyServiceClient;
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::open_router_session_request::Message as RequestMessage;
use latchkey_contract::vault::v1::open_router_session_response::Message as ResponseMessage;
use latchkey_contract::vault::v1::workspace_service_client::WorkspaceServiceClient;
use latchkey_contract::vault::v1::{
    CreateKeyRequest, CreateWorkspaceRequest, Hello, Key, KeyMaterial, OpenRouterSessionRequest,
    ResolveRequest, key_material,
};
use latchkey_egress::EgressPolicy;
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_rpc::access::Grant;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use latchkey_rpc::identity::{IdentityConfig, TokenConfig, TokenDigest, TokenName};
use latchkey_vault::config::{DatabaseConfig, LeasingConfig, QuarantineConfig, Role, VaultConfig};
use latchkey_vault::custody::keyring::KeyRingFile;
use latchkey_vault::store::Store;
use ring::rand::SystemRandom;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Workspaces, each with one key.
const KEYS: usize = 2_000;
/// Calls at a time where throughput is measured.
const CONCURRENCY: usize = 32;
const TOKEN: &str = "everything";

#[tokio::main]
async fn main() {
    println!("cold leases: {KEYS} keys, each in a workspace of its own");
    measure(Backend::Sqlite).await;
    if std::env::var_os("LATCHKEY_TEST_POSTGRES").is_some() {
        measure(Backend::Postgres).await;
    } else {
        println!("Postgres: left out, LATCHKEY_TEST_POSTGRES is not set");
    }
}

async fn measure(backend: Backend) {
    let database = TestDatabase::fresh(backend).await;
    Store::connect(&database.url, 1)
        .await
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let folder = TempDir::new().unwrap();
    let keyring = folder.path().join("keyring.toml");
    KeyRingFile::create(&keyring, &SystemRandom::new()).unwrap();
    let vault = Vault::start(&database.url, &keyring).await;
    vault.fill().await;
    vault.stop().await;

    // Started anew, it has nothing in memory.
    let vault = Vault::start(&database.url, &keyring).await;
    let half = KEYS / 2;
    let alone = vault.obtain(0..half, 1).await;
    alone.print(backend, "first, one at a time");
    let crowd = vault.obtain(half..KEYS, CONCURRENCY).await;
    crowd.print(backend, "first, 32 at a time");
    let again = vault.obtain(0..half, 1).await;
    again.print(backend, "again, one at a time");
    let crowd = vault.obtain(half..KEYS, CONCURRENCY).await;
    crowd.print(backend, "again, 32 at a time");
    vault.stop().await;
}

/// A vault under test and a router with an open session.
struct Vault {
    channel: AuthorizedChannel,
    session: String,
    drain: Drain,
    serving: tokio::task::JoinHandle<()>,
    _requests: mpsc::Sender<OpenRouterSessionRequest>,
}

impl Vault {
    async fn start(url: &str, keyring: &Path) -> Self {
        let drain = Drain::new();
        let app = config(url, keyring.to_owned())
            .build(drain.clone())
            .await
            .unwrap();
        let address = app.local_addr();
        let serving = tokio::spawn(async move { app.serve().await.unwrap() });
        let mut config = ChannelConfig::new(format!("http://{address}").parse().unwrap());
        config.token = Some(SecretString::new(TOKEN.to_owned()));
        let channel = config.open().unwrap();
        let (requests, queued) = mpsc::channel(1);
        let hello = Hello {
            instance: "bench".to_owned(),
            ..Hello::default()
        };
        requests
            .send(OpenRouterSessionRequest {
                message: Some(RequestMessage::Hello(hello)),
            })
            .await
            .unwrap();
        let mut client = LeaseServiceClient::new(channel.clone());
        let mut responses = client
            .open_router_session(ReceiverStream::new(queued))
            .await
            .unwrap()
            .into_inner();
        let Some(ResponseMessage::Welcome(welcome)) =
            responses.message().await.unwrap().unwrap().message
        else {
            panic!("the vault did not welcome the router")
        };
        // Nothing changes while leases are measured, but the stream must be read to stay up.
        tokio::spawn(async move { while let Ok(Some(_)) = responses.message().await {} });
        Self {
            channel,
            session: welcome.router_session,
            drain,
            serving,
            _requests: requests,
        }
    }

    async fn stop(self) {
        self.drain.cut_short();
        self.serving.await.unwrap();
    }

    async fn fill(&self) {
        let filling = stream::iter(0..KEYS).map(|index| async move {
            let workspace = CreateWorkspaceRequest {
                workspace_id: id(index),
                ..Default::default()
            };
            let mut client = WorkspaceServiceClient::new(self.channel.clone());
            client.create_workspace(workspace).await.unwrap();
            let text = format!("sk-not-a-real-key-0123456789-{index}");
            let kind = Some(key_material::Kind::ApiKey(text));
            let key = CreateKeyRequest {
                parent: format!("workspaces/{}", id(index)),
                key_id: "main".to_owned(),
                key: Some(Key {
                    provider: "openai".to_owned(),
                    ..Key::default()
                }),
                material: Some(KeyMaterial { kind }),
                skip_verification: true,
                ..CreateKeyRequest::default()
            };
            KeyServiceClient::new(self.channel.clone())
                .create_key(key)
                .await
                .unwrap();
        });
        filling.buffer_unordered(8).collect::<()>().await;
    }

    async fn obtain(&self, keys: std::ops::Range<usize>, concurrency: usize) -> Figures {
        let started = Instant::now();
        let borrowing = stream::iter(keys).map(|index| async move {
            let request = ResolveRequest {
                router_session: self.session.clone(),
                parent: format!("workspaces/{}", id(index)),
                provider: "openai".to_owned(),
                model: "gpt-5.4".to_owned(),
                ..ResolveRequest::default()
            };
            let started = Instant::now();
            let mut client = LeaseServiceClient::new(self.channel.clone());
            assert!(
                client
                    .resolve(request)
                    .await
                    .unwrap()
                    .into_inner()
                    .lease
                    .is_some()
            );
            started.elapsed()
        });
        let mut spans: Vec<_> = borrowing.buffer_unordered(concurrency).collect().await;
        let elapsed = started.elapsed();
        spans.sort_unstable();
        Figures { spans, elapsed }
    }
}

/// What was measured.
struct Figures {
    spans: Vec<Duration>,
    elapsed: Duration,
}

impl Figures {
    fn print(&self, backend: Backend, what: &str) {
        let at = |share: usize| self.spans[(self.spans.len() - 1) * share / 100];
        let count = u32::try_from(self.spans.len()).unwrap();
        let rate = f64::from(count) / self.elapsed.as_secs_f64();
        println!(
            "{backend:?}, {what}: p50 {:.2?}, p99 {:.2?}, {rate:.0} leases/s",
            at(50),
            at(99)
        );
    }
}

fn id(index: usize) -> String {
    format!("w{index}")
}

fn config(url: &str, keyring_file: PathBuf) -> VaultConfig {
    let identity = format!("token:{TOKEN}");
    let roles = [Role::Operator, Role::Owner, Role::Router];
    let grants = roles.map(|role| Grant {
        identity: identity.clone(),
        role,
        scope: None,
    });
    let name = TokenName::parse(TOKEN).unwrap();
    let tokens = vec![TokenConfig {
        name,
        sha256: TokenDigest::of(TOKEN),
    }];
    VaultConfig {
        server: ServerConfig::new("127.0.0.1:0".parse().unwrap()),
        database: DatabaseConfig {
            url: Some(SecretString::new(url.to_owned())),
            url_file: None,
            max_connections: 16,
        },
        keyring_file,
        identity: IdentityConfig { tokens },
        grants: grants.to_vec(),
        egress: EgressPolicy::default(),
        leasing: LeasingConfig {
            freshness_seconds: 900,
            ..LeasingConfig::default()
        },
        quarantine: QuarantineConfig::default(),
        telemetry: TelemetryConfig::default(),
    }
}
