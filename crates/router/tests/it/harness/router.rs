//! A running router with all it depends on.

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

use super::config::{ANONYMOUS, APP, OWNER, Who, config};
use super::leasing::{Leasing, foreseen};
use super::patient::Patient;
use super::provider::FakeProvider;
use super::requests::{ACME, streamed};
use super::vault::{SECRET, Vault, api_key, version};

/// A running router, its neighbours and its database.
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

/// Where a router listens, what it is about to serve until, and its sessions.
type Served = (SocketAddr, Option<JoinHandle<()>>, Arc<Sessions>);

/// 2026-11-21T12:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);

impl Router {
    /// A router that opens_session its vault.
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| {}).await
    }

    /// The same, configured differently.
    pub(crate) async fn start_with(
        backend: Backend,
        adjust: impl FnOnce(&mut RouterConfig),
    ) -> Self {
        let database = TestDatabase::fresh(backend).await;
        let store = Store::connect(&database.url, 1).await.unwrap();
        store.migrate().await.unwrap();
        Self::start_over(database, adjust).await
    }

    /// The same where time passes by itself, for what is waited for.
    pub(crate) async fn start_in_real_time(adjust: impl FnOnce(&mut RouterConfig)) -> Self {
        let database = TestDatabase::fresh(Backend::Sqlite).await;
        let store = Store::connect(&database.url, 1).await.unwrap();
        store.migrate().await.unwrap();
        Self::start_by(Some(Arc::new(SystemClock)), database, adjust).await
    }

    /// The same over a database that may be none.
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
        router.leases(|_, _| {});
        router.vault.connected(1).await;
        router
    }

    /// The same router after a new start: nothing is left in memory.
    pub(crate) async fn restart(mut self) -> Self {
        self.stops().await;
        let config = self.config();
        self.drain = Drain::new();
        (self.address, self.serving, self.conversations) =
            serve(config, &self.drain, Arc::clone(&self.clock) as Arc<_>).await;
        self.vault.connected(2).await;
        self
    }

    /// A configuration as this router's own.
    pub(crate) fn config(&self) -> RouterConfig {
        config(&self.database.url, &self.folder, &self.vault)
    }

    /// The bytes of its journal's files.
    pub(crate) fn journal(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path().join("journal")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let files = files.filter(|path| path.is_file());
        files
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// The identity of its journal.
    pub(crate) fn journal_id(&self) -> JournalId {
        let id = std::fs::read_to_string(self.folder.path().join("journal/id")).unwrap();
        JournalId(id.trim().parse().unwrap())
    }

    /// Stops as on SIGTERM.
    pub(crate) async fn stops(&mut self) {
        self.drain.start();
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
    }

    /// From now on the vault leases keys of the asked scope's workspace, each changed like this.
    pub(crate) fn leases(&self, change: impl Fn(&ResolveRequest, &mut Lease) + Send + 'static) {
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
                return Ok(foreseen(&lease, request));
            }
            let revision = |scope: &str| ScopeRevision {
                scope: scope.to_owned(),
                revision: 1,
            };
            Ok(ResolveResponse {
                lease: Some(lease),
                revisions: vec![revision(workspace), revision("platform")],
                ..ResolveResponse::default()
            })
        });
    }

    /// From now on the vault chooses among these keys, which are sent to this router's provider.
    pub(crate) fn leases_of(&self, leasing: Leasing) {
        let leasing = self.at_home(leasing);
        self.vault
            .resolves(move |request| leasing.choose(request, 0));
    }

    /// The same, but of equal keys it draws another each time.
    pub(crate) fn leases_in_turn(&self, leasing: Leasing) {
        let leasing = self.at_home(leasing);
        let preferred = AtomicUsize::new(0);
        self.vault.resolves(move |request| {
            leasing.choose(request, preferred.fetch_add(1, Ordering::Relaxed))
        });
    }

    /// From now on the vault leases these keys, the first first.
    pub(crate) fn leases_keys(&self, keys: impl IntoIterator<Item = Lease>) {
        self.leases_of(Leasing {
            keys: keys.into_iter().collect(),
            ..Leasing::default()
        });
    }

    /// The same, sent where the keys themselves say.
    pub(crate) fn leases_as_they_are(&self, keys: impl IntoIterator<Item = Lease>) {
        let leasing = Leasing {
            keys: keys.into_iter().collect(),
            ..Leasing::default()
        };
        self.vault
            .resolves(move |request| leasing.choose(request, 0));
    }

    fn at_home(&self, mut leasing: Leasing) -> Leasing {
        for lease in &mut leasing.keys {
            if lease.base_url.is_empty() {
                lease.base_url = self.provider.base_url(&lease.provider);
            }
        }
        leasing
    }

    /// A connection of `who`.
    pub(crate) fn channel(&self, who: Who) -> AuthorizedChannel {
        let mut config = ChannelConfig::new(format!("http://{}", self.address).parse().unwrap());
        config.token = (who != ANONYMOUS).then(|| SecretString::new(who.0.to_owned()));
        config.open().unwrap()
    }

    pub(crate) fn inference(&self, who: Who) -> InferenceServiceClient<AuthorizedChannel> {
        InferenceServiceClient::new(self.channel(who))
    }

    pub(crate) fn usage(&self, who: Who) -> UsageServiceClient<AuthorizedChannel> {
        UsageServiceClient::new(self.channel(who))
    }

    pub(crate) fn sessions(&self, who: Who) -> SessionServiceClient<AuthorizedChannel> {
        SessionServiceClient::new(self.channel(who))
    }

    pub(crate) async fn generate(
        &self,
        request: GenerateRequest,
    ) -> Result<GenerateResponse, Status> {
        self.generate_as(APP, request).await
    }

    pub(crate) async fn generate_as(
        &self,
        who: Who,
        request: GenerateRequest,
    ) -> Result<GenerateResponse, Status> {
        let answered = self.inference(who).generate(request).await;
        answered.map(tonic::Response::into_inner)
    }

    /// A client that tells the router its deadline, but waits longer itself.
    pub(crate) fn patient(&self, timeout: Duration) -> InferenceServiceClient<Patient> {
        InferenceServiceClient::new(Patient::new(self.address, APP.0, timeout))
    }

    /// Begins a streamed answer.
    pub(crate) async fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<Streaming<StreamGenerateResponse>, Status> {
        let start = self.inference(APP).stream_generate(streamed(request)).await;
        start.map(tonic::Response::into_inner)
    }

    /// Every attempt of acme, newest first, as its owner sees it.
    pub(crate) async fn attempts(&self) -> Vec<Attempt> {
        let request = ListAttemptsRequest {
            parent: ACME.to_owned(),
            ..ListAttemptsRequest::default()
        };
        let listed = self.usage(OWNER).list_attempts(request).await;
        listed.unwrap().into_inner().attempts
    }

    /// The only attempt, once it is over. Nobody tells when a call that was given up is settled, so
    /// the account is read until it is.
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

    /// A way around the router, straight to its tables.
    pub(crate) async fn execute(&self, statement: &str) {
        let database = Database::connect(&self.database.url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
    }

    /// All that its database holds, with bytes in hex where it is PostgreSQL's.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        if let Some(folder) = &self.database.folder {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let files = files.map(|file| file.unwrap().path());
            return files
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

    /// How many rows a table has that meet a condition.
    pub(crate) async fn count(&self, table: &str, condition: &str) -> i64 {
        let database = Database::connect(&self.database.url).await.unwrap();
        let statement = format!("SELECT count(*) FROM {table} WHERE {condition}");
        let statement = Statement::from_string(database.get_database_backend(), statement);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Has every writer wait.
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

    /// Takes the database away, as far as the router can tell.
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
