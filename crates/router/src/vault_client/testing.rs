//! A client of a vault whose every answer the test gives by hand, over a real socket.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use latchkey_clock::{ManualClock, Timestamp};
use latchkey_contract::vault::v1::lease_service_server::{LeaseService, LeaseServiceServer};
use latchkey_contract::vault::v1::{
    CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    LeaseDataKeyRequest, ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest,
    LookUpMemberResponse, OpenRouterSessionRequest, OpenRouterSessionResponse, ReleaseLeaseRequest,
    ReleaseLeaseResponse, ResolveRequest, ResolveResponse,
};
use latchkey_rpc::client::ChannelConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{RouterSession, VaultClient};
use crate::domain::member::MemberRole;
use crate::error::RouterError;

pub(crate) const FRESHNESS: Duration = Duration::from_secs(30);

/// A client, its clock, and the vault's end of each call.
pub(crate) struct Fixture {
    pub(crate) vault: Arc<VaultClient>,
    pub(crate) clock: Arc<ManualClock>,
    questions: mpsc::UnboundedReceiver<Question>,
    look_ups: mpsc::UnboundedReceiver<LookUp>,
}

/// A call that waits for its answer.
pub(crate) struct Question<Q = ResolveRequest, A = ResolveResponse> {
    pub(crate) request: Q,
    answer: oneshot::Sender<Result<A, Status>>,
}

/// The same about a member.
pub(crate) type LookUp = Question<LookUpMemberRequest, LookUpMemberResponse>;

impl Fixture {
    /// In a session that has just begun.
    pub(crate) async fn in_session() -> Self {
        let fixture = Self::alone().await;
        fixture.begin_session("s1");
        fixture
    }

    /// Without a session.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own queues hold a few messages"
    )]
    pub(crate) async fn alone() -> Self {
        let (asked, questions) = mpsc::unbounded_channel();
        let (looked_up, look_ups) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = Server::builder()
            .add_service(LeaseServiceServer::new(FakeVault { asked, looked_up }))
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
            questions,
            look_ups,
        }
    }

    /// As a Welcome does.
    pub(crate) fn begin_session(&self, id: &str) {
        self.vault.begin_session(Arc::new(self.session(id)));
    }

    fn session(&self, id: &str) -> RouterSession {
        use latchkey_clock::Clock as _;
        RouterSession::new(id.to_owned(), self.clock.boottime(), FRESHNESS)
    }

    /// Looks a member up, in a task of its own.
    pub(crate) fn ask_for_member(&self, workspace: &str, identity: &str) -> Asking {
        let vault = Arc::clone(&self.vault);
        let workspace = workspace.parse().unwrap();
        let identity: Arc<str> = identity.into();
        tokio::spawn(async move { vault.member_role(&workspace, &identity).await })
    }

    /// The next lookup of a member that reaches the vault.
    pub(crate) async fn look_up(&mut self) -> LookUp {
        self.look_ups.recv().await.unwrap()
    }

    /// Whether a lookup of a member has reached the vault.
    pub(crate) fn was_asked_for_member(&mut self) -> bool {
        self.look_ups.try_recv().is_ok()
    }

    /// The next `Resolve` that reaches the vault.
    pub(crate) async fn question(&mut self) -> Question {
        self.questions.recv().await.unwrap()
    }

    /// Whether a `Resolve` has reached the vault.
    pub(crate) fn was_asked(&mut self) -> bool {
        self.questions.try_recv().is_ok()
    }
}

/// A lookup of a member that is under way.
pub(crate) type Asking = JoinHandle<Result<Option<MemberRole>, RouterError>>;

impl<Q, A> Question<Q, A> {
    pub(crate) fn answer(self, answer: A) {
        self.send(Ok(answer));
    }

    pub(crate) fn refuse(self, status: Status) {
        self.send(Err(status));
    }

    fn send(self, answer: Result<A, Status>) {
        // The caller may be gone.
        let _ = self.answer.send(answer);
    }
}

struct FakeVault {
    asked: mpsc::UnboundedSender<Question>,
    looked_up: mpsc::UnboundedSender<LookUp>,
}

/// Passes a call to the test and waits for its answer.
async fn answered<Q, A>(
    asked: &mpsc::UnboundedSender<Question<Q, A>>,
    request: Request<Q>,
) -> Result<Response<A>, Status> {
    let (answer, answered) = oneshot::channel();
    let request = request.into_inner();
    // The test may be over.
    let _ = asked.send(Question { request, answer });
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
        answered(&self.asked, request).await
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
        answered(&self.looked_up, request).await
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
