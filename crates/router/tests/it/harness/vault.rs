//! A vault that leases what a test tells it to, and keeps what the router said.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::Stream;
use latchkey_boot::drain::Drain;
use latchkey_boot::server::{Listener, ServerConfig};
use latchkey_contract::vault::v1::lease_service_server::{LeaseService, LeaseServiceServer};
use latchkey_contract::vault::v1::open_router_session_request::Message as Said;
use latchkey_contract::vault::v1::open_router_session_response::Message as Told;
use latchkey_contract::vault::v1::{
    Acknowledgement, CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    Hello, Invalidation, KeepAliveAnswer, KeyMaterial, KeyReport, LeaseDataKeyRequest,
    ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest, LookUpMemberResponse,
    OpenRouterSessionRequest, OpenRouterSessionResponse, ReleaseLeaseRequest, ReleaseLeaseResponse,
    ResolveRequest, ResolveResponse, VerificationResult, VerificationTask, Welcome, key_material,
};
use latchkey_rpc::identity::{
    IdentifyLayer, Identity, IdentityConfig, TokenConfig, TokenDigest, TokenName,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::data_keys::DataKeys;
use tower::Layer as _;

/// How long what the router holds stays usable.
pub(crate) const FRESHNESS: Duration = Duration::from_secs(30);
/// The material of every key.
pub(crate) const SECRET: &str = "sk-not-a-real-key-of-acme-wxyz";
/// The material of the key of this id, where there are several.
pub(crate) fn secret(id: &str) -> String {
    format!("sk-not-a-real-key-of-{id}-wxyz")
}

/// The token that the router shows.
pub(super) const ROUTER: &str = "router";

/// A vault that is running, or was.
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
    heard: watch::Sender<Heard>,
    session: Mutex<Option<Pushed>>,
    turns_away: Mutex<bool>,
    silent: Mutex<bool>,
    data_keys: DataKeys,
}

/// What the router said.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    pub(crate) hellos: Vec<Hello>,
    /// Sessions in which the router knows of its welcome.
    pub(crate) connected: usize,
    /// Sessions that the router ended.
    pub(crate) left: usize,
    /// How often it was not let in.
    pub(crate) turned_away: usize,
    pub(crate) questions: Vec<ResolveRequest>,
    pub(crate) look_ups: Vec<LookUpMemberRequest>,
    pub(crate) acknowledgements: Vec<Acknowledgement>,
    pub(crate) results: Vec<VerificationResult>,
    pub(crate) reports: Vec<KeyReport>,
}

/// The name of a key of the workspace.
pub(crate) fn key(workspace: &str, key: &str) -> String {
    format!("{workspace}/keys/{key}")
}

/// Its first version.
pub(crate) fn version(workspace: &str, key: &str) -> String {
    format!("{workspace}/keys/{key}/versions/1")
}

/// The material that is a key as its provider shows it.
pub(crate) fn api_key(secret: &str) -> KeyMaterial {
    let kind = key_material::Kind::ApiKey(secret.to_owned());
    KeyMaterial { kind: Some(kind) }
}

impl Vault {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared {
            resolve: Mutex::new(Box::new(|_| Err(Status::internal("nothing is scripted")))),
            look_up: Mutex::new(Box::new(super::members::nobody)),
            heard: watch::Sender::default(),
            session: Mutex::default(),
            turns_away: Mutex::default(),
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

    /// Breaks off every connection and listens no more.
    pub(crate) async fn stop(&mut self) {
        self.drain.cut_short();
        (&mut self.serving).await.unwrap();
    }

    /// Listens again where it did.
    pub(crate) fn start_again(&mut self) {
        *self = Self::serve(self.address, Arc::clone(&self.shared));
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers like this.
    pub(crate) fn resolves(
        &self,
        resolve: impl Fn(&ResolveRequest) -> Result<ResolveResponse, Status> + Send + 'static,
    ) {
        *self.shared.resolve.lock().unwrap() = Box::new(resolve);
    }

    /// From now on it tells of members like this.
    pub(crate) fn looks_up(
        &self,
        look_up: impl Fn(&LookUpMemberRequest) -> Result<LookUpMemberResponse, Status> + Send + 'static,
    ) {
        *self.shared.look_up.lock().unwrap() = Box::new(look_up);
    }

    /// From now on it refuses.
    pub(crate) fn refuses(&self, status: Status) {
        self.resolves(move |_| Err(status.clone()));
    }

    /// From now on it lets nobody open_router_session.
    pub(crate) fn turns_away(&self) {
        *self.shared.turns_away.lock().unwrap() = true;
    }

    /// From now on it answers no question.
    pub(crate) fn falls_silent(&self) {
        *self.shared.silent.lock().unwrap() = true;
    }

    /// Tells the router that a scope has changed.
    pub(crate) fn invalidates(&self, scope: &str, revision: i64, revoked: &[String]) {
        self.tells(Told::Invalidation(Invalidation {
            scope: scope.to_owned(),
            revision,
            revoked_key_versions: revoked.to_vec(),
        }));
    }

    /// Asks the router to check a key.
    pub(crate) fn sends_task(&self, task_id: &str, provider: &str, base_url: &str) {
        self.sends(VerificationTask {
            task_id: task_id.to_owned(),
            provider: provider.to_owned(),
            base_url: base_url.to_owned(),
            material: Some(api_key(SECRET)),
            ..VerificationTask::default()
        });
    }

    /// The same with another material or place.
    pub(crate) fn sends(&self, task: VerificationTask) {
        self.tells(Told::VerificationTask(task));
    }

    fn tells(&self, message: Told) {
        self.push(Ok(told(message)));
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

    /// What it was asked for.
    pub(crate) fn questions(&self) -> Vec<ResolveRequest> {
        self.shared.heard.borrow().questions.clone()
    }

    /// Whom it was asked for as members.
    pub(crate) fn look_ups(&self) -> Vec<LookUpMemberRequest> {
        self.shared.heard.borrow().look_ups.clone()
    }

    /// The keys that transcripts are sealed under.
    pub(crate) fn data_keys(&self) -> &DataKeys {
        &self.shared.data_keys
    }

    /// Waits until it has heard something.
    pub(crate) async fn heard(&self, enough: impl Fn(&Heard) -> bool) -> Heard {
        let mut heard = self.shared.heard.subscribe();
        heard.wait_for(|heard| enough(heard)).await.unwrap().clone()
    }

    /// Waits until the router opens_session for the `times`th time and knows it.
    pub(crate) async fn connected(&self, times: usize) {
        self.heard(|heard| heard.connected >= times).await;
    }
}

struct Service(Arc<Shared>);

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
        let answer = self.0.resolve.lock().unwrap()(&request);
        self.0
            .heard
            .send_modify(|heard| heard.questions.push(request));
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
        Err(Status::unimplemented("no router gives back single leases"))
    }

    async fn open_router_session(
        &self,
        request: Request<Streaming<OpenRouterSessionRequest>>,
    ) -> Result<Response<Self::OpenRouterSessionStream>, Status> {
        is_router(&request)?;
        if *self.0.turns_away.lock().unwrap() {
            self.0.heard.send_modify(|heard| heard.turned_away += 1);
            return Err(Status::unavailable("not now"));
        }
        let mut said = request.into_inner();
        let first = said.message().await?.and_then(|request| request.message);
        let Some(Said::Hello(hello)) = first else {
            return Err(Status::invalid_argument("it said no Hello"));
        };
        self.0.heard.send_modify(|heard| heard.hellos.push(hello));
        let (push, pushed) = mpsc::unbounded_channel();
        let session = format!("s{}", self.0.heard.borrow().hellos.len());
        let welcome = Told::Welcome(Welcome {
            router_session: session.clone(),
            freshness: prost_types::Duration::try_from(FRESHNESS).ok(),
            revisions: Vec::new(),
        });
        push.send(Ok(told(welcome))).unwrap();
        tokio::spawn(listen(said, push.downgrade(), Arc::clone(&self.0)));
        *self.0.session.lock().unwrap() = Some(push);
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            pushed,
        ))))
    }

    async fn look_up_member(
        &self,
        request: Request<LookUpMemberRequest>,
    ) -> Result<Response<LookUpMemberResponse>, Status> {
        is_router(&request)?;
        let request = request.into_inner();
        let answer = self.0.look_up.lock().unwrap()(&request);
        self.0
            .heard
            .send_modify(|heard| heard.look_ups.push(request));
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
        Err(Status::unimplemented("it is for operators"))
    }
}

async fn listen(
    mut said: Streaming<OpenRouterSessionRequest>,
    // Weak, so that the session ends when the vault lets go of it.
    push: mpsc::WeakUnboundedSender<Result<OpenRouterSessionResponse, Status>>,
    shared: Arc<Shared>,
) {
    let mut knows = false;
    while let Ok(Some(request)) = said.message().await {
        shared.heard.send_modify(|heard| match request.message {
            Some(Said::KeepAlive(keep_alive)) => {
                heard.connected += usize::from(!knows);
                knows = true;
                let answer = told(Told::KeepAliveAnswer(KeepAliveAnswer {
                    sequence: keep_alive.sequence,
                    remaining: prost_types::Duration::try_from(FRESHNESS).ok(),
                }));
                // The session may be over.
                let _ = push.upgrade().map(|push| push.send(Ok(answer)));
            }
            Some(Said::Acknowledgement(said)) => heard.acknowledgements.push(said),
            Some(Said::VerificationResult(said)) => heard.results.push(said),
            Some(Said::KeyReport(said)) => heard.reports.push(said),
            Some(Said::Hello(_)) | None => panic!("it is said once, first"),
        });
    }
    shared.heard.send_modify(|heard| heard.left += 1);
}

fn told(message: Told) -> OpenRouterSessionResponse {
    OpenRouterSessionResponse {
        message: Some(message),
    }
}

fn is_router<T>(request: &Request<T>) -> Result<(), Status> {
    let shown = Identity::of(request);
    let router = Identity::Token(TokenName::parse(ROUTER).unwrap());
    (shown == router)
        .then_some(())
        .ok_or_else(|| Status::unauthenticated("who is that?"))
}
