//! Keys that ask a vault whose every answer the test gives by hand, over a real socket.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use latchkey_clock::{ManualClock, Timestamp};
use latchkey_contract::vault::v1::lease_service_server::{LeaseService, LeaseServiceServer};
use latchkey_contract::vault::v1::{
    self, Capability, CreateDataKeyRequest, DataKey, DestroyDataKeyRequest, DestroyDataKeyResponse,
    KeyMaterial, LeaseDataKeyRequest, ListLeasesRequest, ListLeasesResponse, LookUpMemberRequest,
    LookUpMemberResponse, OpenRouterSessionRequest, OpenRouterSessionResponse, Payer,
    ReleaseLeaseRequest, ReleaseLeaseResponse, ResolveRequest, ResolveResponse, ScopeRevision,
    key_material,
};
use latchkey_egress::EgressPolicy;
use latchkey_rpc::client::ChannelConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::super::session::Session;
use super::super::{KeyQuery, Keys, Lease};
use crate::domain::funding::Funding;
use crate::domain::member::MemberRole;
use crate::error::RouterError;
use crate::upstream::{Upstream, UpstreamConfig};

pub(super) const FRESHNESS: Duration = Duration::from_secs(30);

/// The keys of a router, their clock, and the vault's side of each question.
pub(super) struct Fixture {
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Arc<ManualClock>,
    questions: mpsc::UnboundedReceiver<Question>,
    look_ups: mpsc::UnboundedReceiver<LookUp>,
}

/// A question that waits for its answer.
pub(super) struct Question<Q = ResolveRequest, A = ResolveResponse> {
    pub(super) request: Q,
    answer: oneshot::Sender<Result<A, Status>>,
}

/// The same about a member.
pub(super) type LookUp = Question<LookUpMemberRequest, LookUpMemberResponse>;

impl Fixture {
    /// In a session that has just start.
    pub(super) async fn router_session() -> Self {
        let fixture = Self::alone().await;
        fixture.begin_session("s1");
        fixture
    }

    /// Without a session.
    pub(super) async fn alone() -> Self {
        let (asked, questions) = mpsc::unbounded_channel();
        let (looked_up, look_ups) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let served = Server::builder()
            .add_service(LeaseServiceServer::new(Vault { asked, looked_up }))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(served);
        let channel = ChannelConfig::new(endpoint.parse().unwrap())
            .open()
            .unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
        let upstream = Upstream::new(UpstreamConfig::default(), EgressPolicy::default());
        let keys = Keys::new(channel, Arc::clone(&clock) as Arc<_>, Arc::new(upstream));
        Self {
            keys: Arc::new(keys),
            clock,
            questions,
            look_ups,
        }
    }

    /// As a Welcome does.
    pub(super) fn begin_session(&self, id: &str) {
        self.keys.begin_session(Arc::new(self.session(id)));
    }

    fn session(&self, id: &str) -> Session {
        use latchkey_clock::Clock as _;
        Session::new(id.to_owned(), self.clock.boottime(), FRESHNESS)
    }

    /// Asks for a key, in a task of its own.
    pub(super) fn ask(&self, query: KeyQuery) -> JoinHandle<Result<Arc<Lease>, RouterError>> {
        let keys = Arc::clone(&self.keys);
        tokio::spawn(async move { keys.obtain(&query).await })
    }

    /// Asks for a member of a workspace, in a task of its own.
    pub(super) fn ask_for_member(&self, workspace: &str, identity: &str) -> Asking {
        let keys = Arc::clone(&self.keys);
        let workspace = workspace.parse().unwrap();
        let identity: Arc<str> = identity.into();
        tokio::spawn(async move { keys.member_role(&workspace, &identity).await })
    }

    /// The next question about a member that reaches the vault.
    pub(super) async fn look_up(&mut self) -> LookUp {
        self.look_ups.recv().await.unwrap()
    }

    /// Whether the vault has been asked for a member that was not taken yet.
    pub(super) fn was_asked_for_member(&mut self) -> bool {
        self.look_ups.try_recv().is_ok()
    }

    /// The next question that reaches the vault.
    pub(super) async fn question(&mut self) -> Question {
        self.questions.recv().await.unwrap()
    }

    /// Whether the vault has been asked anything that was not taken yet.
    pub(super) fn was_asked(&mut self) -> bool {
        self.questions.try_recv().is_ok()
    }

    /// Borrows a key that the vault leases at once.
    pub(super) async fn borrow(&mut self, query: KeyQuery, leased: ResolveResponse) -> Arc<Lease> {
        let asking = self.ask(query);
        self.question().await.answer(leased);
        obtained(asking).await
    }

    /// A key that is held already.
    pub(super) async fn reuse(&mut self, query: KeyQuery) -> Arc<Lease> {
        let lease = obtained(self.ask(query)).await;
        assert!(!self.was_asked());
        lease
    }
}

/// Somebody who asks for a member.
pub(super) type Asking = JoinHandle<Result<Option<MemberRole>, RouterError>>;

impl<Q, A> Question<Q, A> {
    pub(super) fn answer(self, answer: A) {
        self.say(Ok(answer));
    }

    pub(super) fn refuse(self, status: Status) {
        self.say(Err(status));
    }

    fn say(self, answer: Result<A, Status>) {
        // Who asked may be gone.
        let _ = self.answer.send(answer);
    }
}

/// The lease of somebody who asked.
pub(super) async fn obtained(asking: JoinHandle<Result<Arc<Lease>, RouterError>>) -> Arc<Lease> {
    asking.await.unwrap().unwrap()
}

/// The failure of somebody who asked.
pub(super) async fn failed(asking: JoinHandle<Result<Arc<Lease>, RouterError>>) -> RouterError {
    asking.await.unwrap().err().unwrap()
}

/// A query for an OpenAI key.
pub(super) fn query(scope: &str) -> KeyQuery {
    KeyQuery {
        scope: scope.parse().unwrap(),
        caller: "token:app".into(),
        key: String::new(),
        provider: "openai".to_owned(),
        model: "gpt-5.4".to_owned(),
        capability: Capability::Generate,
        excluded: Vec::new(),
        payer: None,
        funding: Funding::default(),
        expectations: None,
        own_key_failed: false,
    }
}

/// Version 1 of a key, leased when the scopes were at these revisions.
pub(super) fn leased(key: &str, revisions: &[(&str, i64)]) -> ResolveResponse {
    let lease = v1::Lease {
        lease_id: "lease".to_owned(),
        key_version: version(key),
        provider: "openai".to_owned(),
        material_tail: "-key".to_owned(),
        payer: Payer::OwnKey.into(),
        material: Some(KeyMaterial {
            kind: Some(key_material::Kind::ApiKey("sk-not-a-real-key".to_owned())),
        }),
        ..v1::Lease::default()
    };
    let revisions = revisions.iter().map(|(scope, revision)| ScopeRevision {
        scope: (*scope).to_owned(),
        revision: *revision,
    });
    ResolveResponse {
        lease: Some(lease),
        revisions: revisions.collect(),
        ..ResolveResponse::default()
    }
}

/// The name of a key's first version.
pub(super) fn version(key: &str) -> String {
    format!("{key}/versions/1")
}

struct Vault {
    asked: mpsc::UnboundedSender<Question>,
    looked_up: mpsc::UnboundedSender<LookUp>,
}

/// Hands a question to the test and waits for its answer.
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
impl LeaseService for Vault {
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
