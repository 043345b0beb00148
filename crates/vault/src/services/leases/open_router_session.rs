//! `OpenRouterSession`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use latchkey_boot::drain::Drain;
use latchkey_contract::Reason;
use latchkey_contract::vault::v1::open_router_session_request::Message as RequestMessage;
use latchkey_contract::vault::v1::open_router_session_response::Message as ResponseMessage;
use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    Acknowledgement, Hello, Invalidation, KeepAlive, KeepAliveAnswer, KeyReport,
    OpenRouterSessionRequest, OpenRouterSessionResponse, ProviderRefusal, ScopeRevision,
    VerificationResult, VerificationTask, Welcome, verification,
};
use latchkey_rpc::refusal::Refusal;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::domain::audit::Act;
use crate::domain::uid::{KeyVersionUid, WorkspaceUid, random_uuid};
use crate::domain::verification::{Grade, ProviderMessage};
use crate::error::VaultError;
use crate::leasing::verification_tasks::{PendingTask, TaskOutcome};
use crate::leasing::{
    RouterMessage, RouterSession, RouterSessionError, RouterSessionId, depend_on_workspace,
};
use crate::quarantine::quarantine_reported;
use crate::services::call::Call;
use crate::services::encode;
use crate::services::status::DOMAIN;
use crate::vault::Vault;

type ResponseStream = Pin<Box<dyn Stream<Item = Result<OpenRouterSessionResponse, Status>> + Send>>;

/// Answers to keep-alives that wait to be sent.
const MAX_ANSWER_QUEUE: usize = 16;
/// When a router may open a session with another replica.
const RETRY: Duration = Duration::from_secs(1);

pub(super) async fn handle(
    vault: &Arc<Vault>,
    drain: &Drain,
    call: &Call,
    mut requests: Streaming<OpenRouterSessionRequest>,
) -> Result<ResponseStream, VaultError> {
    call.authorize_deployment()?;
    let first = requests.message().await.ok().flatten();
    let Some(RequestMessage::Hello(hello)) = first.and_then(|request| request.message) else {
        return Err(RouterSessionError::HelloRequired.into());
    };
    let id = RouterSessionId(random_uuid(vault.custody.rng())?);
    let providers = hello
        .providers
        .iter()
        .filter_map(|provider| provider.parse().ok())
        .collect();
    let instance = hello.instance.clone();
    let (session, messages) = RouterSession::new(id, call.actor().clone(), instance, providers);
    // Attached before the revisions are read: a change that commits from here on is sent.
    let session = vault.leasing.connect(session);
    let welcome = match welcome(vault, &session, &hello).await {
        Ok(welcome) => welcome,
        Err(error) => {
            vault.leasing.leave(&session);
            return Err(error);
        }
    };
    tracing::info!(router = %session.router, instance = session.instance, "a router session was opened");

    let (answers, queued_answers) = mpsc::channel(MAX_ANSWER_QUEUE);
    let receiver = Receiver {
        vault: Arc::clone(vault),
        session: Arc::clone(&session),
        answers,
        act: call.act(),
    };
    let receiving = receiver.run(requests);
    let stopped = drain.started();
    drain.spawn(async move {
        tokio::select! {
            () = receiving => {}
            () = stopped => {}
        }
    });
    let sender = Sender {
        messages,
        answers: queued_answers,
        session,
        drain: drain.clone(),
    };
    Ok(sender.into_stream(welcome))
}

async fn welcome(
    vault: &Vault,
    session: &RouterSession,
    hello: &Hello,
) -> Result<ResponseMessage, VaultError> {
    let mut revisions = Vec::new();
    for cached in &hello.revisions {
        let workspace: WorkspaceUid = cached
            .workspace_uid
            .parse()
            .map_err(|error| VaultError::field("hello.revisions.workspace_uid", error))?;
        let revision = match depend_on_workspace(&vault.store, session, workspace).await? {
            Some(revision) => encode::signed(revision),
            None => i64::MAX,
        };
        if revision != cached.revision {
            revisions.push(ScopeRevision {
                workspace_uid: cached.workspace_uid.clone(),
                revision,
            });
        }
    }
    Ok(ResponseMessage::Welcome(Welcome {
        router_session: session.id.0.to_string(),
        freshness: prost_types::Duration::try_from(vault.leasing.freshness()).ok(),
        revisions,
    }))
}

/// Sends a router its messages until the session or the vault ends.
struct Sender {
    messages: mpsc::Receiver<RouterMessage>,
    answers: mpsc::Receiver<ResponseMessage>,
    session: Arc<RouterSession>,
    drain: Drain,
}

impl Sender {
    fn into_stream(self, welcome: ResponseMessage) -> ResponseStream {
        let first = stream::iter([Ok(response(welcome))]);
        let rest = stream::unfold(Some(self), |sender| async move {
            let mut sender = sender?;
            match sender.next().await {
                Ok(Some(message)) => Some((Ok(response(message)), Some(sender))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        });
        Box::pin(first.chain(rest))
    }

    /// The next message; `None` once the router has left.
    async fn next(&mut self) -> Result<Option<ResponseMessage>, Status> {
        let message = tokio::select! {
            // A revocation goes before an answer that grants more time.
            biased;
            message = self.messages.recv() => message.map(encode_message),
            () = self.session.ended().cancelled() => None,
            () = self.drain.started() => return Err(stopping()),
            answer = self.answers.recv() => answer,
        };
        match message {
            Some(message) => Ok(Some(message)),
            None if self.session.has_left() => Ok(None),
            None => Err(VaultError::from(RouterSessionError::Fenced).into()),
        }
    }
}

fn response(message: ResponseMessage) -> OpenRouterSessionResponse {
    OpenRouterSessionResponse {
        message: Some(message),
    }
}

fn stopping() -> Status {
    let message = "the vault is stopping: open a session with another replica";
    Refusal::new(Reason::VaultStopping, message)
        .retry_after(RETRY)
        .into_status(DOMAIN)
}

/// Receives the messages of a router until its stream ends.
struct Receiver {
    vault: Arc<Vault>,
    session: Arc<RouterSession>,
    answers: mpsc::Sender<ResponseMessage>,
    act: Act,
}

impl Receiver {
    async fn run(self, mut requests: Streaming<OpenRouterSessionRequest>) {
        loop {
            let request = tokio::select! {
                request = requests.message() => request,
                () = self.session.ended().cancelled() => return,
            };
            match request {
                Ok(Some(request)) => self.handle_message(request.message).await,
                // A clean end: the router dropped its leases.
                Ok(None) => return self.vault.leasing.leave(&self.session),
                Err(_broken) => return self.vault.leasing.disconnect(&self.session),
            }
        }
    }

    async fn handle_message(&self, message: Option<RequestMessage>) {
        match message {
            Some(RequestMessage::KeepAlive(keep_alive)) => self.handle_keep_alive(keep_alive),
            Some(RequestMessage::Acknowledgement(message)) => self.handle_acknowledgement(&message),
            Some(RequestMessage::VerificationResult(result)) => {
                if let Some((id, outcome)) = decode_result(result) {
                    self.vault.leasing.task_done(id, outcome);
                }
            }
            Some(RequestMessage::KeyReport(report)) => {
                if let Err(error) = self.handle_key_report(report).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "quarantining a reported key failed");
                }
            }
            // A second Hello, or a message of a later contract.
            Some(RequestMessage::Hello(_)) | None => {}
        }
    }

    fn handle_keep_alive(&self, keep_alive: KeepAlive) {
        if !self.vault.leasing.note_keep_alive(&self.session) {
            return;
        }
        let remaining = prost_types::Duration::try_from(self.vault.leasing.remaining()).ok();
        let answer = KeepAliveAnswer {
            sequence: keep_alive.sequence,
            remaining,
        };
        // The queue is full only where the router does not read; its session lapses then.
        let _ = self
            .answers
            .try_send(ResponseMessage::KeepAliveAnswer(answer));
    }

    fn handle_acknowledgement(&self, message: &Acknowledgement) {
        let in_flight = u64::try_from(message.in_flight_count).unwrap_or_default();
        if let (Ok(workspace), Ok(revision)) = (
            message.workspace_uid.parse(),
            u64::try_from(message.revision),
        ) {
            self.session.acknowledge(workspace, revision, in_flight);
        }
    }

    async fn handle_key_report(&self, report: KeyReport) -> Result<(), VaultError> {
        let version: KeyVersionUid = report
            .key_version_uid
            .parse()
            .map_err(|error| VaultError::field("key_report.key_version_uid", error))?;
        let message = decode_refusal(report.refusal.unwrap_or_default());
        quarantine_reported(&self.vault, &self.session, &self.act, version, &message).await
    }
}

fn encode_message(message: RouterMessage) -> ResponseMessage {
    match message {
        RouterMessage::Invalidate {
            workspace,
            scope,
            revision,
            revoked,
        } => ResponseMessage::Invalidation(Invalidation {
            workspace_uid: workspace.to_string(),
            scope: scope.to_string(),
            revision: encode::signed(revision),
            revoked_key_versions: revoked.iter().map(ToString::to_string).collect(),
        }),
        RouterMessage::Verify(task) => ResponseMessage::VerificationTask(encode_task(&task)),
    }
}

fn encode_task(task: &PendingTask) -> VerificationTask {
    let PendingTask {
        id,
        provider,
        destination,
        material,
    } = task;
    VerificationTask {
        task_id: id.to_string(),
        provider: provider.to_string(),
        base_url: destination.base_url().to_owned(),
        material: Some(encode::material(material)),
        location: destination.location().to_owned(),
        cloud_project: destination.cloud_project_with(material).to_owned(),
        api_version: destination.api_version().to_owned(),
    }
}

fn decode_result(result: VerificationResult) -> Option<(Uuid, TaskOutcome)> {
    let id = Uuid::try_parse(&result.task_id).ok()?;
    let outcome = match result.outcome? {
        Outcome::Verified(verified) => {
            let grade = match verified.grade() {
                verification::Grade::Unspecified | verification::Grade::Format => Grade::Format,
                verification::Grade::Reachable => Grade::Reachable,
                verification::Grade::Limited => Grade::Limited,
                verification::Grade::Alive => Grade::Alive,
            };
            TaskOutcome::Verified {
                grade,
                detail: verified.detail,
            }
        }
        Outcome::Rejected(refusal) => TaskOutcome::Rejected(decode_refusal(refusal)),
        Outcome::Unreachable(refusal) => TaskOutcome::Unreachable(decode_refusal(refusal)),
    };
    Some((id, outcome))
}

fn decode_refusal(refusal: ProviderRefusal) -> ProviderMessage {
    let ProviderRefusal {
        http_status,
        code,
        message,
    } = refusal;
    ProviderMessage {
        http_status,
        code,
        message,
    }
}
