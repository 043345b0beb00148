//! A vault client with a fake vault behind a real socket. The test answers each request itself.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use latchkey_clock::{ManualClock, Timestamp};
use latchkey_contract::names::KeyVersionName;
use latchkey_contract::uid::{KeyUid, KeyVersionUid, WorkspaceUid};
use latchkey_contract::vault::v1::lease_service_server::{LeaseService, LeaseServiceServer};
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    LeaseDataKeyRequest, ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest,
    LookUpMemberResponse, LookUpScopeRequest, LookUpScopeResponse, OpenRouterSessionRequest,
    OpenRouterSessionResponse, ReleaseLeaseRequest, ReleaseLeaseResponse, ResolveRequest,
    ResolveResponse,
};
use latchkey_rpc::client::ChannelConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming, async_trait};
use uuid::Uuid;

use super::{RouterSession, VaultClient};
use crate::domain::member::MemberRole;
use crate::error::RouterError;

pub(crate) const FRESHNESS: Duration = Duration::from_secs(30);

/// A client, its clock, and the requests that the vault receives.
pub(crate) struct Fixture {
    pub(crate) vault: Arc<VaultClient>,
    pub(crate) clock: Arc<ManualClock>,
    requests: mpsc::UnboundedReceiver<ReceivedRequest>,
    lookups: mpsc::UnboundedReceiver<ReceivedLookup>,
}

/// A request that waits for its answer.
pub(crate) struct ReceivedRequest<Q = ResolveRequest, A = ResolveResponse> {
    pub(crate) request: Q,
    answer: oneshot::Sender<Result<A, Status>>,
}

/// The uid that these tests give to a workspace or a key of that name: another one for each name
/// (FNV-1a, the 128-bit form of draft-eastlake-fnv).
pub(crate) fn uid_of(name: &str) -> Uuid {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = name.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    Uuid::from_u128(hash)
}

/// The uid of a workspace of that name, or of the platform.
pub(crate) fn workspace_uid(name: &str) -> WorkspaceUid {
    WorkspaceUid(uid_of(name))
}

/// The uid of a key version of that name.
pub(crate) fn key_version_uid(name: &str) -> KeyVersionUid {
    let name: KeyVersionName = name.parse().unwrap();
    KeyVersionUid {
        key: KeyUid(uid_of(&name.key.to_string())),
        version: name.version,
    }
}

/// A lookup of a member that waits for its answer.
pub(crate) type ReceivedLookup = ReceivedRequest<LookUpMemberRequest, LookUpMemberResponse>;

impl Fixture {
    /// A client in a new session.
    pub(crate) async fn in_session() -> Self {
        let fixture = Self::alone().await;
        fixture.begin_session("s1");
        fixture
    }

    /// A client without a session.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own queues hold a few messages"
    )]
    pub(crate) async fn alone() -> Self {
        let (request_sender, requests) = mpsc::unbounded_channel();
        let (lookup_sender, lookups) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = Server::builder()
            .add_service(LeaseServiceServer::new(FakeVault {
                request_sender,
                lookup_sender,
            }))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(served);
        let channel = ChannelConfig::new(endpoint.parse().unwrap())
            .open()
            .unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
        let vault = VaultClient::new(channel, Arc::clone(&clock) as Arc<_>);
        Self {
            vault: Arc::new(vault),
            clock,
            requests,
            lookups,
        }
    }

    /// Begins a session, as a Welcome does.
    pub(crate) fn begin_session(&self, id: &str) {
        self.vault.begin_session(Arc::new(self.session(id)));
    }

    fn session(&self, id: &str) -> RouterSession {
        use latchkey_clock::Clock as _;
        RouterSession::new(id.to_owned(), self.clock.boottime(), FRESHNESS)
    }

    /// Starts a task that looks up a member.
    pub(crate) fn start_lookup(&self, workspace: &str, identity: &str) -> PendingLookup {
        let vault = Arc::clone(&self.vault);
        let workspace = workspace.parse().unwrap();
        let identity: Arc<str> = identity.into();
        tokio::spawn(async move { vault.member_role(&workspace, &identity).await })
    }

    /// The next lookup of a member that reaches the vault.
    pub(crate) async fn next_lookup(&mut self) -> ReceivedLookup {
        self.lookups.recv().await.unwrap()
    }

    /// Whether a lookup of a member has reached the vault.
    pub(crate) fn has_lookup(&mut self) -> bool {
        self.lookups.try_recv().is_ok()
    }

    /// The next `Resolve` that reaches the vault.
    pub(crate) async fn next_request(&mut self) -> ReceivedRequest {
        self.requests.recv().await.unwrap()
    }

    /// Whether a `Resolve` has reached the vault.
    pub(crate) fn has_request(&mut self) -> bool {
        self.requests.try_recv().is_ok()
    }
}

/// A task that looks up a member.
pub(crate) type PendingLookup = JoinHandle<Result<Option<MemberRole>, RouterError>>;

impl<Q, A> ReceivedRequest<Q, A> {
    pub(crate) fn answer(self, answer: A) {
        self.send(Ok(answer));
    }

    pub(crate) fn refuse(self, status: Status) {
        self.send(Err(status));
    }

    fn send(self, answer: Result<A, Status>) {
        // The caller may have been cancelled.
        let _ = self.answer.send(answer);
    }
}

struct FakeVault {
    request_sender: mpsc::UnboundedSender<ReceivedRequest>,
    lookup_sender: mpsc::UnboundedSender<ReceivedLookup>,
}

/// Passes a call to the test and waits for its answer.
async fn answered<Q, A>(
    request_sender: &mpsc::UnboundedSender<ReceivedRequest<Q, A>>,
    request: Request<Q>,
) -> Result<Response<A>, Status> {
    let (answer, answered) = oneshot::channel();
    let request = request.into_inner();
    // The test may be over.
    let _ = request_sender.send(ReceivedRequest { request, answer });
    match answered.await {
        Ok(answer) => answer.map(Response::new),
        Err(_) => Err(Status::unavailable("the test is over")),
    }
}

#[async_trait]
impl LeaseService for FakeVault {
    type OpenRouterSessionStream =
        Pin<Box<dyn Stream<Item = Result<OpenRouterSessionResponse, Status>> + Send>>;

    async fn resolve(
        &self,
        request: Request<ResolveRequest>,
    ) -> Result<Response<ResolveResponse>, Status> {
        answered(&self.request_sender, request).await
    }

    async fn release_lease(
        &self,
        _: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        Err(Status::unimplemented("not part of these tests"))
    }

    async fn open_router_session(
        &self,
        _: Request<Streaming<OpenRouterSessionRequest>>,
    ) -> Result<Response<Self::OpenRouterSessionStream>, Status> {
        Err(Status::unimplemented(
            "the tests begin and end sessions themselves",
        ))
    }

    async fn look_up_member(
        &self,
        request: Request<LookUpMemberRequest>,
    ) -> Result<Response<LookUpMemberResponse>, Status> {
        answered(&self.lookup_sender, request).await
    }

    async fn look_up_scope(
        &self,
        _: Request<LookUpScopeRequest>,
    ) -> Result<Response<LookUpScopeResponse>, Status> {
        Err(Status::unimplemented("these tests look up no scope"))
    }

    async fn create_data_key(
        &self,
        _: Request<CreateDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }

    async fn lease_data_key(
        &self,
        _: Request<LeaseDataKeyRequest>,
    ) -> Result<Response<DataKey>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }

    async fn destroy_data_key(
        &self,
        _: Request<DestroyDataKeyRequest>,
    ) -> Result<Response<DestroyDataKeyResponse>, Status> {
        Err(Status::unimplemented("nothing is sealed"))
    }

    async fn list_leases(
        &self,
        _: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        Err(Status::unimplemented("not part of these tests"))
    }
}
