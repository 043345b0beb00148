//! A router with an open session: it answers tasks by a script and confirms invalidations.

use std::sync::{Arc, Mutex};

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::lease_service_client::LeaseServiceClient;
use latchkey_contract::vault::v1::open_router_session_request::Message as RequestMessage;
use latchkey_contract::vault::v1::open_router_session_response::Message as ResponseMessage;
pub(crate) use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    Acknowledgement, Hello, Invalidation, KeepAlive, KeepAliveAnswer, KeyReport, Lease,
    OpenRouterSessionRequest, OpenRouterSessionResponse, ProviderRefusal, ResolveRequest,
    ResolveResponse, ScopeRevision, Verification, VerificationResult, VerificationTask, Welcome,
    verification,
};
use latchkey_rpc::client::AuthorizedChannel;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};

use super::Vault;
use super::vault::{ROUTER, Who};

/// A connected router.
pub(crate) struct Router {
    pub(crate) session: String,
    pub(crate) welcome: Welcome,
    client: LeaseServiceClient<AuthorizedChannel>,
    requests: mpsc::UnboundedSender<OpenRouterSessionRequest>,
    script: Arc<Mutex<Script>>,
    heard: watch::Receiver<Heard>,
    listener: JoinHandle<Status>,
}

/// How it behaves.
struct Script {
    outcome: Option<Outcome>,
    confirms: bool,
    in_flight: i64,
}

/// The messages received so far.
#[derive(Clone, Default)]
struct Heard {
    invalidations: Vec<Invalidation>,
    tasks: Vec<VerificationTask>,
    answers: Vec<KeepAliveAnswer>,
}

/// The provider accepted the key.
pub(crate) fn alive() -> Outcome {
    let grade = verification::Grade::Alive.into();
    Outcome::Verified(Verification {
        grade,
        ..Verification::default()
    })
}

/// The provider knows the key, but limits it.
pub(crate) fn limited() -> Outcome {
    let (grade, detail) = (verification::Grade::Limited.into(), "no credit".to_owned());
    Outcome::Verified(Verification {
        grade,
        detail,
        ..Verification::default()
    })
}

/// The endpoint answered, but can't check a key.
pub(crate) fn reachable() -> Outcome {
    let grade = verification::Grade::Reachable.into();
    Outcome::Verified(Verification {
        grade,
        ..Verification::default()
    })
}

/// The provider refused the key.
pub(crate) fn rejected() -> Outcome {
    Outcome::Rejected(ProviderRefusal {
        http_status: 401,
        code: "invalid_api_key".to_owned(),
        message: "Incorrect API key provided".to_owned(),
    })
}

/// The provider did not answer.
pub(crate) fn unreachable() -> Outcome {
    let message = "connection refused".to_owned();
    Outcome::Unreachable(ProviderRefusal {
        message,
        ..ProviderRefusal::default()
    })
}

impl Router {
    /// Opens a session of a router that caches nothing and verifies keys of every provider.
    pub(crate) async fn open_router_session(vault: &Vault) -> Self {
        Self::open_session_as(vault, ROUTER, hello(&[]))
            .await
            .unwrap()
    }

    /// Opens a session of a router that still caches these scopes at these revisions.
    pub(crate) async fn open_session_holding(vault: &Vault, held: &[ScopeRevision]) -> Self {
        Self::open_session_as(vault, ROUTER, hello(held))
            .await
            .unwrap()
    }

    pub(crate) async fn open_session_as(
        vault: &Vault,
        who: Who,
        hello: Hello,
    ) -> Result<Self, Status> {
        let mut client = vault.leases(who);
        let (requests, queued) = mpsc::unbounded_channel();
        requests
            .send(request(RequestMessage::Hello(hello)))
            .unwrap();
        let stream = client
            .open_router_session(UnboundedReceiverStream::new(queued))
            .await?;
        let mut stream = stream.into_inner();
        let first = stream
            .message()
            .await?
            .and_then(|response| response.message);
        let Some(ResponseMessage::Welcome(welcome)) = first else {
            panic!("the first message is not a welcome")
        };
        let script = Script {
            outcome: Some(alive()),
            confirms: true,
            in_flight: 0,
        };
        let script = Arc::new(Mutex::new(script));
        let (sender, heard) = watch::channel(Heard::default());
        let listener = tokio::spawn(listen(
            stream,
            requests.downgrade(),
            Arc::clone(&script),
            sender,
        ));
        let session = welcome.router_session.clone();
        Ok(Self {
            session,
            welcome,
            client,
            requests,
            script,
            heard,
            listener,
        })
    }

    /// From now on tasks end like this; never, with nothing.
    pub(crate) fn answers_tasks(&self, outcome: impl Into<Option<Outcome>>) {
        self.script.lock().unwrap().outcome = outcome.into();
    }

    /// From now on it confirms nothing.
    pub(crate) fn keeps_silent(&self) {
        self.script.lock().unwrap().confirms = false;
    }

    /// From now on so many calls are running when it confirms something.
    pub(crate) fn has_in_flight(&self, calls: i64) {
        self.script.lock().unwrap().in_flight = calls;
    }

    pub(crate) fn send(&self, message: RequestMessage) {
        self.requests.send(request(message)).unwrap();
    }

    pub(crate) fn confirms(&self, invalidation: &Invalidation, in_flight_count: i64) {
        self.send(RequestMessage::Acknowledgement(confirmation(
            invalidation,
            in_flight_count,
        )));
    }

    /// Reports that a provider refused a leased key.
    pub(crate) fn reports(&self, key_version_uid: &str) {
        let Outcome::Rejected(refusal) = rejected() else {
            panic!("it is a refusal")
        };
        let (key_version_uid, refusal) = (key_version_uid.to_owned(), Some(refusal));
        self.send(RequestMessage::KeyReport(KeyReport {
            key_version_uid,
            refusal,
        }));
    }

    /// Brings back the outcome of a task that it did not answer by itself.
    pub(crate) fn brings_back(&self, task: &VerificationTask, outcome: Outcome) {
        let (task_id, outcome) = (task.task_id.clone(), Some(outcome));
        self.send(RequestMessage::VerificationResult(VerificationResult {
            task_id,
            outcome,
        }));
    }

    /// Asks for more time and returns the answer.
    pub(crate) async fn keeps_alive(&self, sequence: i64) -> KeepAliveAnswer {
        self.send(RequestMessage::KeepAlive(KeepAlive { sequence }));
        let found = |heard: &Heard| {
            heard
                .answers
                .iter()
                .find(|answer| answer.sequence == sequence)
                .copied()
        };
        let mut heard = self.heard.clone();
        let heard = heard
            .wait_for(|heard| found(heard).is_some())
            .await
            .unwrap();
        found(&heard).unwrap()
    }

    /// The invalidation of a scope that follows the first `seen` of them.
    pub(crate) async fn invalidation(&self, scope: &str, seen: usize) -> Invalidation {
        let found = |heard: &Heard| {
            let mut of_scope = heard
                .invalidations
                .iter()
                .filter(|invalidation| invalidation.scope == scope);
            of_scope.nth(seen).cloned()
        };
        let mut heard = self.heard.clone();
        let heard = heard
            .wait_for(|heard| found(heard).is_some())
            .await
            .unwrap();
        found(&heard).unwrap()
    }

    pub(crate) fn invalidations(&self) -> Vec<Invalidation> {
        self.heard.borrow().invalidations.clone()
    }

    pub(crate) fn tasks(&self) -> Vec<VerificationTask> {
        self.heard.borrow().tasks.clone()
    }

    /// Waits for the first task.
    pub(crate) async fn task(&self) -> VerificationTask {
        self.task_after(0).await
    }

    /// Waits for the task that follows the first `seen` of them.
    pub(crate) async fn task_after(&self, seen: usize) -> VerificationTask {
        let mut heard = self.heard.clone();
        let heard = heard
            .wait_for(|heard| heard.tasks.len() > seen)
            .await
            .unwrap();
        heard.tasks[seen].clone()
    }

    pub(crate) async fn resolve(&self, request: ResolveRequest) -> Result<ResolveResponse, Status> {
        let request = ResolveRequest {
            router_session: self.session.clone(),
            ..request
        };
        self.client
            .clone()
            .resolve(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// Borrows a key that must be there.
    pub(crate) async fn obtains(&self, request: ResolveRequest) -> Lease {
        self.resolve(request).await.unwrap().lease.unwrap()
    }

    /// Ends the session cleanly, and returns how the vault took it.
    pub(crate) async fn leaves(self) -> Status {
        drop(self.requests);
        self.script.lock().unwrap().confirms = false;
        self.listener.await.unwrap()
    }

    /// Breaks off without a goodbye.
    pub(crate) async fn breaks_off(self) {
        self.listener.abort();
        // Before its end of the stream is dropped: that would be a clean end.
        self.listener.await.unwrap_err();
    }

    /// How the vault ended the session.
    pub(crate) async fn ended(self) -> Status {
        self.listener.await.unwrap()
    }
}

/// A Hello of a router that can check keys of every provider.
pub(crate) fn hello(held: &[ScopeRevision]) -> Hello {
    let providers = ProviderId::ALL
        .map(|provider| provider.to_string())
        .to_vec();
    Hello {
        instance: "r1".to_owned(),
        revisions: held.to_vec(),
        providers,
    }
}

fn request(message: RequestMessage) -> OpenRouterSessionRequest {
    OpenRouterSessionRequest {
        message: Some(message),
    }
}

fn confirmation(invalidation: &Invalidation, in_flight_count: i64) -> Acknowledgement {
    Acknowledgement {
        workspace_uid: invalidation.workspace_uid.clone(),
        revision: invalidation.revision,
        in_flight_count,
    }
}

async fn listen(
    mut stream: Streaming<OpenRouterSessionResponse>,
    // Weak, so that the session ends when the router lets go of it.
    requests: mpsc::WeakUnboundedSender<OpenRouterSessionRequest>,
    script: Arc<Mutex<Script>>,
    sender: watch::Sender<Heard>,
) -> Status {
    loop {
        let message = match stream.message().await {
            Ok(Some(response)) => response.message,
            Ok(None) => return Status::ok(""),
            Err(status) => return status,
        };
        let answer = match message {
            Some(ResponseMessage::Invalidation(invalidation)) => {
                let script = script.lock().unwrap();
                let answer = confirmation(&invalidation, script.in_flight);
                sender.send_modify(|heard| heard.invalidations.push(invalidation));
                script
                    .confirms
                    .then_some(RequestMessage::Acknowledgement(answer))
            }
            Some(ResponseMessage::VerificationTask(task)) => {
                let task_id = task.task_id.clone();
                sender.send_modify(|heard| heard.tasks.push(task));
                let outcome = script.lock().unwrap().outcome.clone();
                outcome.map(|outcome| {
                    let outcome = Some(outcome);
                    RequestMessage::VerificationResult(VerificationResult { task_id, outcome })
                })
            }
            Some(ResponseMessage::KeepAliveAnswer(answer)) => {
                sender.send_modify(|heard| heard.answers.push(answer));
                None
            }
            Some(ResponseMessage::Welcome(_)) | None => None,
        };
        if let (Some(answer), Some(requests)) = (answer, requests.upgrade()) {
            // The vault may have ended the session.
            let _ = requests.send(request(answer));
        }
    }
}
