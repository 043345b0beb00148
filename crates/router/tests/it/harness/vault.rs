//! A fake vault, which grants scripted leases and records the messages of the router.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::Stream;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::{Listener, ServerConfig};
use latchkey_contract::vault::v1::lease_service_server::{LeaseService, LeaseServiceServer};
use latchkey_contract::vault::v1::open_router_session_request::Message as RouterMessage;
use latchkey_contract::vault::v1::open_router_session_response::Message as VaultMessage;
use latchkey_contract::vault::v1::{
    Acknowledgement, CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    Hello, Invalidation, KeepAliveAnswer, KeyMaterial, KeyReport, LeaseDataKeyRequest,
    ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest, LookUpMemberResponse,
    LookUpScopeRequest, LookUpScopeResponse, OpenRouterSessionRequest, OpenRouterSessionResponse,
    ReleaseLeaseRequest, ReleaseLeaseResponse, ResolveRequest, ResolveResponse, ScopeRevision,
    VerificationResult, VerificationTask, Welcome, key_material,
};
use latchkey_rpc::identity::{
    IdentifyLayer, Identity, IdentityConfig, TokenConfig, TokenDigest, TokenName,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tower::Layer as _;
use uuid::Uuid;

use super::data_keys::DataKeys;

/// How long the router may use its leases without a message from the vault.
pub(crate) const FRESHNESS: Duration = Duration::from_secs(30);
/// The uid that the fake vault gives to a workspace, project or key of that name: another one for each
/// name (FNV-1a, the 128-bit form of draft-eastlake-fnv).
pub(crate) fn uid_of(name: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = name.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    Uuid::from_u128(hash).to_string()
}

/// The uid of a key version of that name.
pub(crate) fn version_uid(name: &str) -> String {
    let (key, version) = name.split_once("/versions/").unwrap();
    format!("{}/versions/{version}", uid_of(key))
}

/// Where an answer has this revision of a scope, the fake vault writes the one of the scope's last
/// invalidation.
pub(super) const CURRENT: i64 = -1;
/// The material of every key of the default lease.
pub(crate) const SECRET: &str = "sk-not-a-real-key-of-acme-wxyz";
/// The material of the key with this id.
pub(crate) fn secret(id: &str) -> String {
    format!("sk-not-a-real-key-of-{id}-wxyz")
}

/// The router's token.
pub(super) const ROUTER: &str = "router";

/// A fake vault, running or stopped.
pub(crate) struct Vault {
    address: SocketAddr,
    drain: Drain,
    serving: JoinHandle<()>,
    shared: Arc<Shared>,
}

type Resolve = dyn Fn(&ResolveRequest) -> Result<ResolveResponse, Status> + Send;
type LookUp = dyn Fn(&LookUpMemberRequest) -> Result<LookUpMemberResponse, Status> + Send;
type Pushed = mpsc::UnboundedSender<Result<OpenRouterSessionResponse, Status>>;

struct Shared {
    resolve: Mutex<Box<Resolve>>,
    look_up: Mutex<Box<LookUp>>,
    received: watch::Sender<Received>,
    session: Mutex<Option<Pushed>>,
    /// The revision of each scope that was invalidated.
    revisions: Mutex<HashMap<String, i64>>,
    rejects_sessions: Mutex<bool>,
    silent: Mutex<bool>,
    data_keys: DataKeys,
}

/// The messages and calls received from the router.
#[derive(Clone, Default)]
pub(crate) struct Received {
    pub(crate) hellos: Vec<Hello>,
    /// The number of sessions in which the router sent a keep-alive, so has handled its `Welcome`.
    pub(crate) connected: usize,
    /// The number of sessions that have ended on the router's side.
    pub(crate) ended: usize,
    /// The number of sessions refused by [`Vault::rejects_sessions`].
    pub(crate) rejected: usize,
    pub(crate) queries: Vec<ResolveRequest>,
    pub(crate) look_ups: Vec<LookUpMemberRequest>,
    pub(crate) acknowledgements: Vec<Acknowledgement>,
    pub(crate) results: Vec<VerificationResult>,
    pub(crate) reports: Vec<KeyReport>,
}

/// The name of a key of the workspace.
pub(crate) fn key(workspace: &str, key: &str) -> String {
    format!("{workspace}/keys/{key}")
}

/// The name of the key's first version.
pub(crate) fn version(workspace: &str, key: &str) -> String {
    format!("{workspace}/keys/{key}/versions/1")
}

/// Material of the kind API key.
pub(crate) fn api_key(secret: &str) -> KeyMaterial {
    let kind = key_material::Kind::ApiKey(secret.to_owned());
    KeyMaterial { kind: Some(kind) }
}

impl Vault {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared {
            resolve: Mutex::new(Box::new(|_| Err(Status::internal("nothing is scripted")))),
            look_up: Mutex::new(Box::new(super::members::no_members)),
            received: watch::Sender::default(),
            session: Mutex::default(),
            revisions: Mutex::default(),
            rejects_sessions: Mutex::default(),
            silent: Mutex::default(),
            data_keys: DataKeys::default(),
        });
        Self::serve("127.0.0.1:0".parse().unwrap(), shared)
    }

    fn serve(address: SocketAddr, shared: Arc<Shared>) -> Self {
        let listener = Listener::bind(&ServerConfig::new(address)).unwrap();
        let address = listener.local_addr();
        let identify = IdentifyLayer::new(&IdentityConfig {
            tokens: vec![TokenConfig {
                name: TokenName::parse(ROUTER).unwrap(),
                sha256: TokenDigest::of(ROUTER),
            }],
        });
        let service = LeaseServiceServer::new(Service(Arc::clone(&shared)));
        let drain = Drain::new();
        let served = listener.serve(
            identify.unwrap().layer(Routes::new(service).prepare()),
            drain.clone(),
        );
        let serving = tokio::spawn(async move { served.await.unwrap() });
        Self {
            address,
            drain,
            serving,
            shared,
        }
    }

    /// Closes every connection and stops listening.
    pub(crate) async fn stop(&mut self) {
        self.drain.cut_short();
        (&mut self.serving).await.unwrap();
    }

    /// Listens again on the same address.
    pub(crate) fn start_again(&mut self) {
        *self = Self::serve(self.address, Arc::clone(&self.shared));
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the answer to `Resolve`.
    pub(crate) fn resolves(
        &self,
        resolve: impl Fn(&ResolveRequest) -> Result<ResolveResponse, Status> + Send + 'static,
    ) {
        *self.shared.resolve.lock().unwrap() = Box::new(resolve);
    }

    /// Sets the answer to `LookUpMember`.
    pub(crate) fn looks_up(
        &self,
        look_up: impl Fn(&LookUpMemberRequest) -> Result<LookUpMemberResponse, Status> + Send + 'static,
    ) {
        *self.shared.look_up.lock().unwrap() = Box::new(look_up);
    }

    /// Refuses every `Resolve` with this status.
    pub(crate) fn refuses(&self, status: Status) {
        self.resolves(move |_| Err(status.clone()));
    }

    /// Refuses every new session.
    pub(crate) fn rejects_sessions(&self) {
        *self.shared.rejects_sessions.lock().unwrap() = true;
    }

    /// Leaves every `Resolve` unanswered.
    pub(crate) fn stops_answering(&self) {
        *self.shared.silent.lock().unwrap() = true;
    }

    /// Sends an invalidation of a scope.
    pub(crate) fn invalidates(&self, scope: &str, revision: i64, revoked: &[String]) {
        let mut revisions = self.shared.revisions.lock().unwrap();
        revisions.insert(uid_of(scope), revision);
        drop(revisions);
        self.sends(VaultMessage::Invalidation(Invalidation {
            workspace_uid: uid_of(scope),
            revision,
            revoked_key_versions: revoked.iter().map(|name| version_uid(name)).collect(),
            scope: scope.to_owned(),
        }));
    }

    /// Sends a verification task for an API key.
    pub(crate) fn sends_task(&self, task_id: &str, provider: &str, base_url: &str) {
        self.sends_verification_task(VerificationTask {
            task_id: task_id.to_owned(),
            provider: provider.to_owned(),
            base_url: base_url.to_owned(),
            material: Some(api_key(SECRET)),
            ..VerificationTask::default()
        });
    }

    /// Sends any verification task.
    pub(crate) fn sends_verification_task(&self, task: VerificationTask) {
        self.sends(VaultMessage::VerificationTask(task));
    }

    fn sends(&self, message: VaultMessage) {
        self.push(Ok(response(message)));
    }

    /// Ends the session.
    pub(crate) fn ends_session(&self, status: Status) {
        self.push(Err(status));
        self.shared.session.lock().unwrap().take();
    }

    fn push(&self, message: Result<OpenRouterSessionResponse, Status>) {
        let session = self.shared.session.lock().unwrap();
        session.as_ref().unwrap().send(message).unwrap();
    }

    /// The received `Resolve` requests.
    pub(crate) fn queries(&self) -> Vec<ResolveRequest> {
        self.shared.received.borrow().queries.clone()
    }

    /// The received `LookUpMember` requests.
    pub(crate) fn look_ups(&self) -> Vec<LookUpMemberRequest> {
        self.shared.received.borrow().look_ups.clone()
    }

    /// The data keys, under which transcripts are sealed.
    pub(crate) fn data_keys(&self) -> &DataKeys {
        &self.shared.data_keys
    }

    /// Waits until the received messages meet a condition.
    pub(crate) async fn receives(&self, enough: impl Fn(&Received) -> bool) -> Received {
        let mut received = self.shared.received.subscribe();
        received
            .wait_for(|received| enough(received))
            .await
            .unwrap()
            .clone()
    }

    /// Waits until the router has opened this many sessions and handled the `Welcome` of each.
    pub(crate) async fn has_session(&self, times: usize) {
        self.receives(|received| received.connected >= times).await;
    }
}

struct Service(Arc<Shared>);

/// Adds the uids that a scripted answer leaves to the fake vault.
fn add_uids(answer: &mut ResolveResponse, scope: &str) {
    let workspace = scope.split("/projects/").next().unwrap();
    answer.workspace_uid = uid_of(workspace);
    if workspace != scope {
        answer.project_uid = uid_of(scope);
    }
    if let Some(lease) = &mut answer.lease
        && lease.key_version_uid.is_empty()
    {
        lease.key_version_uid = version_uid(&lease.key_version);
    }
}

#[async_trait]
impl LeaseService for Service {
    type OpenRouterSessionStream =
        Pin<Box<dyn Stream<Item = Result<OpenRouterSessionResponse, Status>> + Send>>;

    async fn resolve(
        &self,
        request: Request<ResolveRequest>,
    ) -> Result<Response<ResolveResponse>, Status> {
        is_router(&request)?;
        let request = request.into_inner();
        let mut answer = self.0.resolve.lock().unwrap()(&request);
        if let Ok(answer) = &mut answer {
            add_uids(answer, &request.parent);
            let revisions = self.0.revisions.lock().unwrap();
            for at in &mut answer.revisions {
                if at.revision == CURRENT {
                    at.revision = revisions.get(&at.workspace_uid).copied().unwrap_or(1);
                }
            }
        }
        self.0
            .received
            .send_modify(|received| received.queries.push(request));
        let silent = *self.0.silent.lock().unwrap();
        if silent {
            std::future::pending::<()>().await;
        }
        answer.map(Response::new)
    }

    async fn release_lease(
        &self,
        _: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        Err(Status::unimplemented(
            "routers do not release single leases",
        ))
    }

    async fn open_router_session(
        &self,
        request: Request<Streaming<OpenRouterSessionRequest>>,
    ) -> Result<Response<Self::OpenRouterSessionStream>, Status> {
        is_router(&request)?;
        if *self.0.rejects_sessions.lock().unwrap() {
            self.0
                .received
                .send_modify(|received| received.rejected += 1);
            return Err(Status::unavailable("not now"));
        }
        let mut messages = request.into_inner();
        let first = messages
            .message()
            .await?
            .and_then(|request| request.message);
        let Some(RouterMessage::Hello(hello)) = first else {
            return Err(Status::invalid_argument("the first message must be Hello"));
        };
        self.0
            .received
            .send_modify(|received| received.hellos.push(hello));
        let (push, pushed) = mpsc::unbounded_channel();
        let session = format!("s{}", self.0.received.borrow().hellos.len());
        let welcome = VaultMessage::Welcome(Welcome {
            router_session: session.clone(),
            freshness: prost_types::Duration::try_from(FRESHNESS).ok(),
            revisions: Vec::new(),
        });
        push.send(Ok(response(welcome))).unwrap();
        tokio::spawn(listen(messages, push.downgrade(), Arc::clone(&self.0)));
        *self.0.session.lock().unwrap() = Some(push);
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            pushed,
        ))))
    }

    async fn look_up_scope(
        &self,
        request: Request<LookUpScopeRequest>,
    ) -> Result<Response<LookUpScopeResponse>, Status> {
        is_router(&request)?;
        let scope = request.into_inner().scope;
        let workspace = scope.split("/projects/").next().unwrap();
        let created = |exists: bool| exists.then(prost_types::Timestamp::default);
        let project = workspace != scope;
        Ok(Response::new(LookUpScopeResponse {
            revision: Some(ScopeRevision {
                workspace_uid: uid_of(workspace),
                revision: i64::MAX,
            }),
            project_uid: if project {
                uid_of(&scope)
            } else {
                String::new()
            },
            workspace_create_time: created(true),
            project_create_time: created(project),
        }))
    }

    async fn look_up_member(
        &self,
        request: Request<LookUpMemberRequest>,
    ) -> Result<Response<LookUpMemberResponse>, Status> {
        is_router(&request)?;
        let request = request.into_inner();
        let answer = self.0.look_up.lock().unwrap()(&request);
        self.0
            .received
            .send_modify(|received| received.look_ups.push(request));
        answer.map(Response::new)
    }

    async fn create_data_key(
        &self,
        request: Request<CreateDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        is_router(&request)?;
        self.0.data_keys.create(&request.into_inner())
    }

    async fn lease_data_key(
        &self,
        request: Request<LeaseDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        is_router(&request)?;
        self.0.data_keys.lease(&request.into_inner())
    }

    async fn destroy_data_key(
        &self,
        request: Request<DestroyDataKeyRequest>,
    ) -> Result<Response<DestroyDataKeyResponse>, Status> {
        is_router(&request)?;
        self.0.data_keys.destroy(&request.into_inner())
    }

    async fn list_leases(
        &self,
        _: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        Err(Status::unimplemented("ListLeases is for operators"))
    }
}

async fn listen(
    mut messages: Streaming<OpenRouterSessionRequest>,
    // Weak, so that the session ends when the vault drops the sender.
    push: mpsc::WeakUnboundedSender<Result<OpenRouterSessionResponse, Status>>,
    shared: Arc<Shared>,
) {
    let mut connected = false;
    while let Ok(Some(request)) = messages.message().await {
        shared
            .received
            .send_modify(|received| match request.message {
                Some(RouterMessage::KeepAlive(keep_alive)) => {
                    received.connected += usize::from(!connected);
                    connected = true;
                    let answer = response(VaultMessage::KeepAliveAnswer(KeepAliveAnswer {
                        sequence: keep_alive.sequence,
                        remaining: prost_types::Duration::try_from(FRESHNESS).ok(),
                    }));
                    // The session may have ended.
                    let _ = push.upgrade().map(|push| push.send(Ok(answer)));
                }
                Some(RouterMessage::Acknowledgement(message)) => {
                    received.acknowledgements.push(message);
                }
                Some(RouterMessage::VerificationResult(message)) => received.results.push(message),
                Some(RouterMessage::KeyReport(message)) => received.reports.push(message),
                Some(RouterMessage::Hello(_)) | None => {
                    panic!("Hello must be the first message only")
                }
            });
    }
    shared.received.send_modify(|received| received.ended += 1);
}

fn response(message: VaultMessage) -> OpenRouterSessionResponse {
    OpenRouterSessionResponse {
        message: Some(message),
    }
}

fn is_router<T>(request: &Request<T>) -> Result<(), Status> {
    let shown = Identity::of(request);
    let router = Identity::Token(TokenName::parse(ROUTER).unwrap());
    (shown == router)
        .then_some(())
        .ok_or_else(|| Status::unauthenticated("unknown router token"))
}
