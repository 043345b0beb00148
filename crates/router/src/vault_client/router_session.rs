//! The router's end of the router session: Hello, keep-alives, invalidations, verification tasks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::uid::{KeyVersionUid, WorkspaceUid};
use latchkey_contract::vault::v1::open_router_session_request::Message as ToVault;
use latchkey_contract::vault::v1::open_router_session_response::Message as FromVault;
use latchkey_contract::vault::v1::{
    Acknowledgement, Hello, Invalidation, KeepAlive, KeepAliveAnswer, KeyReport,
    OpenRouterSessionRequest, OpenRouterSessionResponse, VerificationTask, Welcome,
};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use super::verification::{self, CheckFailure, KeyCheckOutcome, KeyToCheck};
use super::{RouterSession, VaultClient};

/// The first and the longest pause before a session is opened again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Messages that wait for the vault to read them.
const MAX_QUEUE: usize = 64;
/// Time for the vault to acknowledge the end of a session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The holder of the leases that were granted in a session.
pub trait LeaseHolder: Send + Sync {
    /// Drops the leases that were granted before a revision of a workspace. Returns the calls in flight
    /// with the versions, which must not be used for another call from then on.
    fn invalidate(&self, workspace: WorkspaceUid, revision: i64, revoked: &[KeyVersionUid]) -> i64;

    /// Drops all leases: the session that they were granted in is over.
    fn drop_all(&self);
}

/// A check that is under way.
pub type PendingCheck<'a> = Pin<Box<dyn Future<Output = KeyCheckOutcome> + Send + 'a>>;

/// The checker of keys that the vault sends.
pub trait KeyChecker: Send + Sync {
    /// Checks a key with its provider, at no cost.
    fn check(&self, key: KeyToCheck) -> PendingCheck<'_>;
}

/// Holds a router session until `stop`; opens another one whenever it ends. `stop` must come after
/// the last call: an accepted call may still need a key.
pub async fn hold_router_session(
    vault: Arc<VaultClient>,
    leases: Arc<dyn LeaseHolder>,
    checker: Arc<dyn KeyChecker>,
    instance: String,
    stop: CancellationToken,
) {
    let Some(reports) = vault.key_reports.take_receiver() else {
        return;
    };
    let mut holder = SessionLoop {
        vault,
        leases,
        checker,
        instance,
        reports,
        pause: FIRST_PAUSE,
        stop: stop.clone(),
    };
    while !stop.is_cancelled() {
        let ended = holder.hold_one().await;
        if stop.is_cancelled() {
            return;
        }
        tracing::warn!(code = ?ended.code(), "router session ended");
        tokio::select! {
            () = tokio::time::sleep(holder.pause) => {}
            () = stop.cancelled() => return,
        }
        holder.pause = (holder.pause * 2).min(MAX_PAUSE);
    }
}

/// What one session after the other needs.
struct SessionLoop {
    vault: Arc<VaultClient>,
    leases: Arc<dyn LeaseHolder>,
    checker: Arc<dyn KeyChecker>,
    instance: String,
    reports: mpsc::Receiver<KeyReport>,
    pause: Duration,
    stop: CancellationToken,
}

impl SessionLoop {
    /// Holds one session to its end, which decides what becomes of its leases.
    async fn hold_one(&mut self) -> Status {
        let stop = self.stop.clone();
        let ended = tokio::select! {
            ended = self.run_one() => ended,
            // Reached only while connecting: a running session closes its stream.
            () = async { stop.cancelled().await; tokio::time::sleep(CLOSE_TIMEOUT).await } => Ok(()),
        };
        let status = ended
            .err()
            .unwrap_or_else(|| Status::unavailable("the stream ended"));
        if status.code() == Code::Aborted {
            self.vault.end_session();
            self.leases.drop_all();
        } else {
            self.vault.lose_session();
        }
        status
    }

    async fn run_one(&mut self) -> Result<(), Status> {
        let (sender, messages) = mpsc::channel(MAX_QUEUE);
        let hello = Hello {
            instance: self.instance.clone(),
            // A new session begins without leases, so it has no revisions.
            revisions: Vec::new(),
            providers: ProviderId::ALL.iter().map(ToString::to_string).collect(),
        };
        let sent = self.vault.clock.boottime();
        send(&sender, ToVault::Hello(hello)).await?;
        let mut client = self.vault.rpc();
        let messages = ReceiverStream::new(messages);
        let stream = client.open_router_session(messages).await?.into_inner();
        let mut connection = Connection {
            vault: Arc::clone(&self.vault),
            leases: Arc::clone(&self.leases),
            checker: Arc::clone(&self.checker),
            sender,
            stream,
            unanswered: VecDeque::from([(0, sent)]),
        };
        let (session, freshness) = connection.receive_welcome().await?;
        self.pause = FIRST_PAUSE;
        tracing::info!("router session opened");
        connection
            .run(&session, freshness, &mut self.reports, &self.stop)
            .await
    }
}

/// One session's stream.
struct Connection {
    vault: Arc<VaultClient>,
    leases: Arc<dyn LeaseHolder>,
    checker: Arc<dyn KeyChecker>,
    sender: mpsc::Sender<OpenRouterSessionRequest>,
    stream: Streaming<OpenRouterSessionResponse>,
    /// Keep-alives without an answer, and when each was sent.
    unanswered: VecDeque<(i64, Duration)>,
}

impl Connection {
    async fn receive_welcome(&mut self) -> Result<(Arc<RouterSession>, Duration), Status> {
        let first = self.stream.message().await?;
        let Some(FromVault::Welcome(welcome)) = first.and_then(|response| response.message) else {
            return Err(Status::unavailable("the vault did not send Welcome first"));
        };
        let Welcome {
            router_session,
            freshness,
            ..
        } = welcome;
        let fresh_for = freshness
            .and_then(|span| Duration::try_from(span).ok())
            .unwrap_or_default();
        let hello = self.unanswered.pop_front();
        let sent = hello.map(|(_, sent)| sent).unwrap_or_default();
        let session = Arc::new(RouterSession::new(router_session, sent, fresh_for));
        // In this order: a lease of the session before must not be added after the drop.
        self.vault.begin_session(Arc::clone(&session));
        self.leases.drop_all();
        Ok((session, fresh_for))
    }

    async fn run(
        mut self,
        session: &RouterSession,
        freshness: Duration,
        reports: &mut mpsc::Receiver<KeyReport>,
        stop: &CancellationToken,
    ) -> Result<(), Status> {
        let period = (freshness / 4).max(Duration::from_millis(50));
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sequence = 0;
        loop {
            tokio::select! {
                response = self.stream.message() => match response? {
                    Some(response) => self.handle_message(session, response.message).await?,
                    None => return Ok(()),
                },
                _ = ticks.tick() => {
                    sequence += 1;
                    self.unanswered.push_back((sequence, self.vault.clock.boottime()));
                    send(&self.sender, ToVault::KeepAlive(KeepAlive { sequence })).await?;
                }
                () = stop.cancelled() => {
                    self.close().await;
                    return Ok(());
                }
                report = reports.recv() => {
                    if let Some(report) = report {
                        send(&self.sender, ToVault::KeyReport(report)).await?;
                    }
                }
            }
        }
    }

    /// Drops everything and closes the stream: the vault need not wait for this router to lapse.
    async fn close(self) {
        let Self {
            vault,
            leases,
            sender,
            mut stream,
            ..
        } = self;
        vault.end_session();
        leases.drop_all();
        drop(sender);
        let read_to_end = async { while let Ok(Some(_)) = stream.message().await {} };
        // The vault may be gone itself.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, read_to_end).await;
    }

    async fn handle_message(
        &mut self,
        session: &RouterSession,
        message: Option<FromVault>,
    ) -> Result<(), Status> {
        match message {
            Some(FromVault::Invalidation(invalidation)) => self.invalidate(invalidation).await,
            Some(FromVault::KeepAliveAnswer(answer)) => {
                self.extend(session, &answer);
                Ok(())
            }
            Some(FromVault::VerificationTask(task)) => {
                self.spawn_check(task);
                Ok(())
            }
            // A second Welcome, or a message of a later contract.
            Some(FromVault::Welcome(_)) | None => Ok(()),
        }
    }

    /// Checks a key beside the session: a slow provider must not delay acknowledgements.
    fn spawn_check(&self, mut task: VerificationTask) {
        let (checker, sender) = (Arc::clone(&self.checker), self.sender.clone());
        tokio::spawn(async move {
            let task_id = std::mem::take(&mut task.task_id);
            let outcome = match verification::decode(task) {
                Ok(key) => checker.check(key).await,
                Err(problem) => {
                    KeyCheckOutcome::NotChecked(CheckFailure::Router(problem.to_owned()))
                }
            };
            let result = verification::encode(task_id, outcome);
            // The session may be over; then no caller waits for the result.
            let _ = send(&sender, ToVault::VerificationResult(result)).await;
        });
    }

    async fn invalidate(&self, invalidation: Invalidation) -> Result<(), Status> {
        let (workspace, revoked) = decode_invalidation(&invalidation)?;
        // In this order: see `VaultClient::is_current`.
        self.vault.invalidate(workspace, invalidation.revision);
        let in_flight_count = self
            .leases
            .invalidate(workspace, invalidation.revision, &revoked);
        let acknowledgement = Acknowledgement {
            workspace_uid: invalidation.workspace_uid,
            revision: invalidation.revision,
            in_flight_count,
        };
        send(&self.sender, ToVault::Acknowledgement(acknowledgement)).await
    }

    fn extend(&mut self, session: &RouterSession, answer: &KeepAliveAnswer) {
        while let Some((sequence, sent)) = self.unanswered.pop_front() {
            if sequence == answer.sequence {
                let remaining = answer
                    .remaining
                    .and_then(|span| Duration::try_from(span).ok());
                session.extend(sent, remaining.unwrap_or_default());
                return;
            }
        }
    }
}

async fn send(
    sender: &mpsc::Sender<OpenRouterSessionRequest>,
    message: ToVault,
) -> Result<(), Status> {
    let request = OpenRouterSessionRequest {
        message: Some(message),
    };
    sender
        .send(request)
        .await
        .map_err(|_| Status::unavailable("the stream is closed"))
}

fn decode_invalidation(
    message: &Invalidation,
) -> Result<(WorkspaceUid, Vec<KeyVersionUid>), Status> {
    let malformed = |_| Status::aborted("an invalidation without uids");
    let revoked = message.revoked_key_versions.iter().map(|uid| uid.parse());
    Ok((
        message.workspace_uid.parse().map_err(malformed)?,
        revoked.collect::<Result<_, _>>().map_err(malformed)?,
    ))
}
