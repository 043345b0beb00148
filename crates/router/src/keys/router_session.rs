//! SessionHolder the vault: the router's half of the session.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use latchkey_contract::ProviderId;
use latchkey_contract::vault::v1::open_router_session_request::Message as Said;
use latchkey_contract::vault::v1::open_router_session_response::Message as Told;
use latchkey_contract::vault::v1::{
    Acknowledgement, Hello, Invalidation, KeepAlive, KeepAliveAnswer, KeyReport,
    OpenRouterSessionRequest, OpenRouterSessionResponse, Welcome,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use super::session::Session;
use super::{Keys, verification_task};
use crate::dispatch::Endpoints;

/// The first and the longest pause before router_session again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// What is said at most before the vault has read it.
const MAX_QUEUE: usize = 64;

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Attends until `stop`; when a session ends, opens_session again. `stop` comes after the last call: a
/// call that was accepted may still need a key.
pub async fn hold_router_session(
    keys: Arc<Keys>,
    endpoints: Arc<Endpoints>,
    instance: String,
    stop: CancellationToken,
) {
    let waiting = keys
        .waiting_reports
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut reports) = waiting else { return };
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let ended = hold_session(
            &keys,
            &endpoints,
            &instance,
            &mut reports,
            &mut pause,
            &stop,
        )
        .await;
        if stop.is_cancelled() {
            return;
        }
        tracing::warn!(code = ?ended.code(), "the vault is not connected");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Holds one session to its end. How it ended decides what becomes of the leases.
async fn hold_session(
    keys: &Arc<Keys>,
    endpoints: &Arc<Endpoints>,
    instance: &str,
    reports: &mut mpsc::Receiver<KeyReport>,
    pause: &mut Duration,
    stop: &CancellationToken,
) -> Status {
    let ended = tokio::select! {
        ended = run_session(keys, endpoints, instance, reports, pause, stop) => ended,
        // Reached only while connecting: a running session says goodbye.
        () = async { stop.cancelled().await; tokio::time::sleep(GOODBYE).await } => Ok(()),
    };
    let status = ended
        .err()
        .unwrap_or_else(|| Status::unavailable("the stream ended"));
    if status.code() == Code::Aborted {
        keys.end_session();
    } else {
        keys.lose_session();
    }
    status
}

async fn run_session(
    keys: &Arc<Keys>,
    endpoints: &Arc<Endpoints>,
    instance: &str,
    reports: &mut mpsc::Receiver<KeyReport>,
    pause: &mut Duration,
    stop: &CancellationToken,
) -> Result<(), Status> {
    let (say, said) = mpsc::channel(MAX_QUEUE);
    let hello = Hello {
        instance: instance.to_owned(),
        // Nothing is carried over: a new session begins with nothing held.
        revisions: Vec::new(),
        providers: ProviderId::ALL
            .iter()
            .map(|provider| provider.as_str().to_owned())
            .collect(),
    };
    let sent = keys.clock.boottime();
    speak(&say, Said::Hello(hello)).await?;
    let stream = keys
        .client
        .clone()
        .open_router_session(ReceiverStream::new(said))
        .await?
        .into_inner();
    let mut router_session = SessionHolder {
        keys: Arc::clone(keys),
        endpoints: Arc::clone(endpoints),
        say,
        stream,
        sent: VecDeque::from([(0, sent)]),
    };
    let (session, freshness) = router_session.welcomed().await?;
    *pause = FIRST_PAUSE;
    tracing::info!("the vault is connected");
    router_session
        .listen(session, freshness, reports, stop)
        .await
}

struct SessionHolder {
    keys: Arc<Keys>,
    endpoints: Arc<Endpoints>,
    say: mpsc::Sender<OpenRouterSessionRequest>,
    stream: Streaming<OpenRouterSessionResponse>,
    /// When each keep-alive that is not answered yet was sent.
    sent: VecDeque<(i64, Duration)>,
}

impl SessionHolder {
    async fn welcomed(&mut self) -> Result<(Arc<Session>, Duration), Status> {
        let first = self
            .stream
            .message()
            .await?
            .and_then(|response| response.message);
        let Some(Told::Welcome(Welcome {
            router_session,
            freshness,
            ..
        })) = first
        else {
            return Err(Status::unavailable("the vault did not welcome this router"));
        };
        let freshness = freshness.and_then(|span| Duration::try_from(span).ok());
        let freshness = freshness.unwrap_or_default();
        let sent = self
            .sent
            .pop_front()
            .map(|(_, sent)| sent)
            .unwrap_or_default();
        let session = Arc::new(Session::new(router_session, sent, freshness));
        self.keys.begin_session(Arc::clone(&session));
        Ok((session, freshness))
    }

    async fn listen(
        mut self,
        session: Arc<Session>,
        freshness: Duration,
        reports: &mut mpsc::Receiver<KeyReport>,
        stop: &CancellationToken,
    ) -> Result<(), Status> {
        let period = (freshness / 4).max(Duration::from_millis(50));
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut sequence = 0;
        loop {
            tokio::select! {
                told = self.stream.message() => match told? {
                    Some(response) => self.hear(&session, response.message).await?,
                    None => return Ok(()),
                },
                _ = ticks.tick() => {
                    sequence += 1;
                    self.sent.push_back((sequence, self.keys.clock.boottime()));
                    speak(&self.say, Said::KeepAlive(KeepAlive { sequence })).await?;
                }
                () = stop.cancelled() => {
                    self.leave().await;
                    return Ok(());
                }
                report = reports.recv() => {
                    if let Some(report) = report {
                        speak(&self.say, Said::KeyReport(report)).await?;
                    }
                }
            }
        }
    }

    /// Drops everything and says so by ending what it says: the vault need not wait for this router.
    async fn leave(self) {
        let Self {
            keys,
            say,
            mut stream,
            ..
        } = self;
        keys.end_session();
        drop(say);
        let heard = async { while let Ok(Some(_)) = stream.message().await {} };
        // The vault may be gone itself.
        let _ = tokio::time::timeout(GOODBYE, heard).await;
    }

    async fn hear(&mut self, session: &Session, told: Option<Told>) -> Result<(), Status> {
        match told {
            Some(Told::Invalidation(invalidation)) => self.invalidate(invalidation).await,
            Some(Told::KeepAliveAnswer(answer)) => {
                self.extend(session, &answer);
                Ok(())
            }
            Some(Told::VerificationTask(task)) => {
                let (keys, endpoints) = (Arc::clone(&self.keys), Arc::clone(&self.endpoints));
                let say = self.say.clone();
                tokio::spawn(async move {
                    let check = verification_task::Check {
                        upstream: &keys.upstream,
                        endpoints: &endpoints,
                        clock: &*keys.clock,
                    };
                    let result = verification_task::run(task, &check).await;
                    // The session may be over; then nobody waits for the result.
                    let _ = speak(&say, Said::VerificationResult(result)).await;
                });
                Ok(())
            }
            // A second Welcome, or a message of a later contract.
            Some(Told::Welcome(_)) | None => Ok(()),
        }
    }

    async fn invalidate(&self, invalidation: Invalidation) -> Result<(), Status> {
        let Invalidation {
            scope,
            revision,
            revoked_key_versions,
        } = invalidation;
        let Ok(parsed) = scope.parse() else {
            return Err(Status::aborted("an invalidation without a scope"));
        };
        let in_flight_count = self
            .keys
            .invalidate(&parsed, revision, &revoked_key_versions);
        let said = Acknowledgement {
            scope,
            revision,
            in_flight_count,
        };
        speak(&self.say, Said::Acknowledgement(said)).await
    }

    fn extend(&mut self, session: &Session, answer: &KeepAliveAnswer) {
        while let Some((sequence, sent)) = self.sent.pop_front() {
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

async fn speak(say: &mpsc::Sender<OpenRouterSessionRequest>, said: Said) -> Result<(), Status> {
    let said = say
        .send(OpenRouterSessionRequest {
            message: Some(said),
        })
        .await;
    said.map_err(|_| Status::unavailable("the stream is closed"))
}
