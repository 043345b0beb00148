//! A running router with a fake vault, a fake provider and a database.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latchkey_boot::config::SecretString;
use latchkey_boot::drain::Drain;
use latchkey_clock::{Clock, ManualClock, SystemClock, Timestamp};
use latchkey_contract::router::v1::inference_service_client::InferenceServiceClient;
use latchkey_contract::router::v1::session_service_client::SessionServiceClient;
use latchkey_contract::router::v1::usage_service_client::UsageServiceClient;
use latchkey_contract::router::v1::{
    Attempt, GenerateRequest, GenerateResponse, ListAttemptsRequest, StreamGenerateResponse,
    attempt,
};
use latchkey_contract::vault::v1::{Lease, Payer, ResolveRequest, ResolveResponse, ScopeRevision};
use latchkey_migrations::testing::{Backend, TestDatabase};
use latchkey_router::config::RouterConfig;
use latchkey_router::domain::attempt::JournalId;
use latchkey_router::sessions::Sessions;
use latchkey_router::store::Store;
use latchkey_rpc::client::{AuthorizedChannel, ChannelConfig};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};

use super::config::{ANONYMOUS, APP, Caller, OWNER, config};
use super::provider::FakeProvider;
use super::remote_deadline::RemoteDeadline;
use super::requests::{ACME, streamed};
use super::stored_keys::{StoredKeys, dry_run_of};
use super::vault::{SECRET, Vault, api_key, uid_of, version};

/// A running router with its dependencies.
pub(crate) struct Router {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
    pub(crate) vault: Vault,
    pub(crate) provider: FakeProvider,
    pub(crate) drain: Drain,
    pub(crate) conversations: Arc<Sessions>,
    folder: TempDir,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
}

/// The router's address, its serving task, and its sessions.
type Served = (SocketAddr, Option<JoinHandle<()>>, Arc<Sessions>);

/// 2026-11-21T12:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

impl Router {
    /// Starts a router that has a session with its vault.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| {}).await
    }

    /// Starts a router with an adjusted configuration.
    pub(crate) async fn start_with(
        backend: Backend,
        adjust: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 1).await.unwrap();
        store.migrate().await.unwrap();
        Self::start_over(database, adjust).await
    }

    /// Starts a router on the system clock, for tests that wait.
    pub(crate) async fn start_in_real_time(adjust: impl FnOnce(&mut RouterConfig)) -> Self {
        let database = TestDatabase::fresh(Backend::Sqlite).await;
        let store = Store::connect(&database.url, 1).await.unwrap();
        store.migrate().await.unwrap();
        Self::start_by(Some(Arc::new(SystemClock)), database, adjust).await
    }

    /// Starts a router over a database, which need not be reachable.
    pub(crate) async fn start_over(
        database: TestDatabase,
        adjust: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        Self::start_by(None, database, adjust).await
    }

    async fn start_by(
        other_clock: Option<Arc<dyn Clock>>,
        database: TestDatabase,
        adjust: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        let provider = FakeProvider::start().await;
        let vault = Vault::start();
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let mut config = config(&database.url, &folder, &vault);
        adjust(&mut config);
        let drain = Drain::new();
        let used = other_clock.unwrap_or_else(|| Arc::clone(&clock) as Arc<_>);
        let (address, serving, conversations) = serve(config, &drain, used).await;
        let router = Self {
            clock,
            database,
            vault,
            provider,
            drain,
            conversations,
            folder,
            address,
            serving,
        };
        router.vault_grants_default(|_, _| {});
        router.vault.has_session(1).await;
        router
    }

    /// Restarts the router, which clears its memory.
    pub(crate) async fn restart(mut self) -> Self {
        self.stops().await;
        let config = self.config();
        self.drain = Drain::new();
        (self.address, self.serving, self.conversations) =
            serve(config, &self.drain, Arc::clone(&self.clock) as Arc<_>).await;
        self.vault.has_session(2).await;
        self
    }

    /// The router's configuration, without a test's adjustments.
    pub(crate) fn config(&self) -> RouterConfig {
        config(&self.database.url, &self.folder, &self.vault)
    }

    /// The bytes of the journal's files.
    pub(crate) fn journal(&self) -> Vec<u8> {
        std::fs::read_dir(self.folder.path().join("journal"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// The identity of the journal.
    pub(crate) fn journal_id(&self) -> JournalId {
        let id = std::fs::read_to_string(self.folder.path().join("journal/id")).unwrap();
        JournalId(id.trim().parse().unwrap())
    }

    /// Stops the router as SIGTERM does.
    pub(crate) async fn stops(&mut self) {
        self.drain.start();
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }

    /// Has the vault grant the key `main` of the queried workspace, changed by `change`.
    pub(crate) fn vault_grants_default(
        &self,
        change: impl Fn(&ResolveRequest, &mut Lease) + Send + 'static,
    ) {
        let (openai, anthropic) = (self.provider.openai_url(), self.provider.anthropic_url());
        self.vault.resolves(move |request| {
            let workspace = request.parent.split("/projects/").next().unwrap();
            let base_url = match request.provider.as_str() {
                "anthropic" => &anthropic,
                _ => &openai,
            };
            let provider = match request.provider.as_str() {
                "" => "openai",
                provider => provider,
            };
            let mut lease = Lease {
                lease_id: "lease".to_owned(),
                key_version: version(workspace, "main"),
                provider: provider.to_owned(),
                base_url: base_url.clone(),
                material: Some(api_key(SECRET)),
                material_tail: "wxyz".to_owned(),
                payer: Payer::OwnKey.into(),
                ..Lease::default()
            };
            change(request, &mut lease);
            if request.dry_run {
                return Ok(dry_run_of(&lease, request));
            }
            let revision = |scope: &str| ScopeRevision {
                workspace_uid: uid_of(scope),
                revision: 1,
            };
            Ok(ResolveResponse {
                lease: Some(lease),
                revisions: vec![revision(workspace), revision("platform")],
                ..ResolveResponse::default()
            })
        });
    }

    /// Has the vault choose among these keys. A key without a base URL leads to the fake provider.
    pub(crate) fn vault_grants_from(&self, stored: StoredKeys) {
        let stored = self.with_base_urls(stored);
        self.vault
            .resolves(move |request| stored.choose(request, 0));
    }

    /// Has the vault choose among these keys, taking equal keys in turn.
    pub(crate) fn vault_grants_in_turn(&self, stored: StoredKeys) {
        let stored = self.with_base_urls(stored);
        let preferred = AtomicUsize::new(0);
        self.vault.resolves(move |request| {
            stored.choose(request, preferred.fetch_add(1, Ordering::Relaxed))
        });
    }

    /// Has the vault choose among these keys, in this order.
    pub(crate) fn vault_grants(&self, keys: impl IntoIterator<Item = Lease>) {
        self.vault_grants_from(StoredKeys {
            keys: keys.into_iter().collect(),
            ..StoredKeys::default()
        });
    }

    /// Has the vault choose among these keys, whose base URLs stay as they are.
    pub(crate) fn vault_grants_unchanged(&self, keys: impl IntoIterator<Item = Lease>) {
        let stored = StoredKeys {
            keys: keys.into_iter().collect(),
            ..StoredKeys::default()
        };
        self.vault
            .resolves(move |request| stored.choose(request, 0));
    }

    fn with_base_urls(&self, mut stored: StoredKeys) -> StoredKeys {
        for lease in &mut stored.keys {
            if lease.base_url.is_empty() {
                lease.base_url = self.provider.base_url(&lease.provider);
            }
        }
        stored
    }

    /// A channel with the caller's credential.
    pub(crate) fn channel(&self, caller: Caller) -> AuthorizedChannel {
        let mut config = ChannelConfig::new(format!("http://{}", self.address).parse().unwrap());
        config.token = (caller != ANONYMOUS).then(|| SecretString::new(caller.0.to_owned()));
        config.open().unwrap()
    }

    pub(crate) fn inference(&self, caller: Caller) -> InferenceServiceClient<AuthorizedChannel> {
        InferenceServiceClient::new(self.channel(caller))
    }

    pub(crate) fn usage(&self, caller: Caller) -> UsageServiceClient<AuthorizedChannel> {
        UsageServiceClient::new(self.channel(caller))
    }

    pub(crate) fn sessions(&self, caller: Caller) -> SessionServiceClient<AuthorizedChannel> {
        SessionServiceClient::new(self.channel(caller))
    }

    pub(crate) async fn generate(
        &self,
        request: GenerateRequest,
    ) -> Result<GenerateResponse, Status> {
        self.generate_as(APP, request).await
    }

    pub(crate) async fn generate_as(
        &self,
        caller: Caller,
        request: GenerateRequest,
    ) -> Result<GenerateResponse, Status> {
        let answered = self.inference(caller).generate(request).await;
        answered.map(tonic::Response::into_inner)
    }

    /// A client that sends its deadline to the router and does not enforce it itself.
    pub(crate) fn inference_with_deadline(
        &self,
        timeout: Duration,
    ) -> InferenceServiceClient<RemoteDeadline> {
        InferenceServiceClient::new(RemoteDeadline::new(self.address, APP.0, timeout))
    }

    /// Starts a streamed answer.
    pub(crate) async fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<Streaming<StreamGenerateResponse>, Status> {
        let start = self.inference(APP).stream_generate(streamed(request)).await;
        start.map(tonic::Response::into_inner)
    }

    /// Every attempt of acme that its owner can list, newest first.
    pub(crate) async fn attempts(&self) -> Vec<Attempt> {
        let request = ListAttemptsRequest {
            parent: ACME.to_owned(),
            ..ListAttemptsRequest::default()
        };
        let listed = self.usage(OWNER).list_attempts(request).await;
        listed.unwrap().into_inner().attempts
    }

    /// The only attempt, once it is settled. An abandoned call settles in the background, so the
    /// attempts are read until it has.
    pub(crate) async fn settled(&self) -> Attempt {
        loop {
            let attempts = self.attempts().await;
            if let [attempt] = &attempts[..]
                && attempt.state() != attempt::State::Started
            {
                return attempt.clone();
            }
        }
    }

    /// Executes a statement on the router's database.
    pub(crate) async fn execute(&self, statement: &str) {
        let database = Database::connect(&self.database.url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
    }

    /// The whole content of the database. PostgreSQL writes bytes in hex.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        if let Some(folder) = &self.database.folder {
            return std::fs::read_dir(folder.path())
                .unwrap()
                .map(|file| file.unwrap().path())
                .flat_map(|path| std::fs::read(path).unwrap())
                .collect();
        }
        let database = Database::connect(&self.database.url).await.unwrap();
        let text = async |statement: String| {
            let statement = Statement::from_string(DbBackend::Postgres, statement);
            let row = database.query_one_raw(statement).await.unwrap().unwrap();
            row.try_get_by_index::<Option<String>>(0).unwrap()
        };
        let tables = "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'";
        let tables = text(tables.to_owned()).await.unwrap();
        let mut dump = Vec::new();
        for table in tables.split(' ') {
            let rows = format!("SELECT string_agg(t::text, ' ') FROM {table} t");
            dump.extend(text(rows).await.unwrap_or_default().into_bytes());
        }
        dump
    }

    /// The number of rows of a table that meet a condition.
    pub(crate) async fn count(&self, table: &str, condition: &str) -> i64 {
        let database = Database::connect(&self.database.url).await.unwrap();
        let statement = format!("SELECT count(*) FROM {table} WHERE {condition}");
        let statement = Statement::from_string(database.get_database_backend(), statement);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Blocks every writer until the lock is released.
    pub(crate) async fn lock_database(&self) -> DatabaseLock {
        let mut options = ConnectOptions::new(&self.database.url);
        options.max_connections(1);
        let lock = DatabaseLock(Database::connect(options).await.unwrap());
        let begin = match self.database.folder {
            Some(_) => "BEGIN IMMEDIATE",
            None => "BEGIN; LOCK TABLE attempts",
        };
        lock.execute(begin).await;
        lock
    }

    /// Makes every statement of the router on attempts fail.
    pub(crate) async fn take_database_away(&self) {
        self.execute("ALTER TABLE attempts RENAME TO away").await;
    }

    pub(crate) async fn bring_database_back(&self) {
        self.execute("ALTER TABLE away RENAME TO attempts").await;
    }
}

/// A lock on the database, in a transaction of its own.
pub(crate) struct DatabaseLock(DatabaseConnection);

impl DatabaseLock {
    pub(crate) async fn release(self) {
        self.execute("COMMIT").await;
    }

    async fn execute(&self, statement: &str) {
        self.0.execute_unprepared(statement).await.unwrap();
    }
}

async fn serve(config: RouterConfig, drain: &Drain, clock: Arc<dyn Clock>) -> Served {
    let app = config.build_with(drain.clone(), clock).await.unwrap();
    let address = app.local_addr();
    let sessions = Arc::clone(app.sessions());
    let serving = tokio::spawn(async move { app.serve().await.unwrap() });
    (address, Some(serving), sessions)
}
