//! `OpenRouterSession`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use latchkey_boot::drain::Drain;
use latchkey_contract::Reason;
use latchkey_contract::names::{KeyVersionName, RevisionScope};
use latchkey_contract::vault::v1::open_router_session_request::Message as Said;
use latchkey_contract::vault::v1::open_router_session_response::Message as Told;
use latchkey_contract::vault::v1::verification_result::Outcome;
use latchkey_contract::vault::v1::{
    Hello, Invalidation, KeepAliveAnswer, KeyReport, OpenRouterSessionRequest,
    OpenRouterSessionResponse, ProviderRefusal, ScopeRevision, VerificationResult,
    VerificationTask, Welcome, verification,
};
use latchkey_rpc::refusal::Refusal;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::change::Change;
use crate::domain::audit::Act;
use crate::domain::uid::random_uuid;
use crate::domain::verification::{Grade, ProviderMessage};
use crate::error::VaultError;
use crate::leasing::verification_tasks::{PendingTask, TaskOutcome};
use crate::leasing::{Order, Session, SessionError, SessionId};
use crate::services::call::Call;
use crate::services::encode;
use crate::services::status::DOMAIN;
use crate::store;
use crate::vault::Vault;

type Answers = Pin<Box<dyn Stream<Item = Result<OpenRouterSessionResponse, Status>> + Send>>;

/// Answers to keep-alives that wait to be sent.
const MAX_ANSWER_QUEUE: usize = 16;

pub(super) async fn handle(
    vault: &Arc<Vault>,
    drain: &Drain,
    call: &Call,
    mut stream: Streaming<OpenRouterSessionRequest>,
) -> Result<Answers, VaultError> {
    call.authorize_deployment()?;
    let first = stream
        .message()
        .await
        .ok()
        .flatten()
        .and_then(|request| request.message);
    let Some(Said::Hello(hello)) = first else {
        return Err(SessionError::HelloRequired.into());
    };
    let id = SessionId(random_uuid(vault.custody.rng())?);
    let providers = hello
        .providers
        .iter()
        .filter_map(|provider| provider.parse().ok())
        .collect();
    let instance = hello.instance.clone();
    let (session, orders) = Session::new(id, call.actor().clone(), instance, providers);
    // Registered before the revisions are read: what commits from here on is told.
    let session = vault.leasing.attach(session);
    let welcome = match welcome(vault, &session, &hello).await {
        Ok(welcome) => welcome,
        Err(error) => {
            vault.leasing.leave(&session);
            return Err(error);
        }
    };
    tracing::info!(router = %session.router, instance = session.instance, "a router opens_session");

    let (answers, answered) = mpsc::channel(MAX_ANSWER_QUEUE);
    let listening = listen(
        Arc::clone(vault),
        Arc::clone(&session),
        stream,
        answers,
        call.act(),
    );
    let stopped = drain.started();
    drain.spawn(async move {
        tokio::select! {
            () = listening => {}
            () = stopped => {}
        }
    });
    Ok(told(welcome, orders, answered, session, drain.clone()))
}

async fn welcome(vault: &Vault, session: &Session, hello: &Hello) -> Result<Told, VaultError> {
    let mut revisions = Vec::new();
    for held in &hello.revisions {
        let scope: RevisionScope = held
            .scope
            .parse()
            .map_err(VaultError::name("hello.revisions.scope"))?;
        let revision = match depend_on(vault, session, scope).await? {
            Some(revision) => encode::signed(revision),
            None => i64::MAX,
        };
        if revision != held.revision {
            revisions.push(ScopeRevision {
                scope: held.scope.clone(),
                revision,
            });
        }
    }
    Ok(Told::Welcome(Welcome {
        router_session: session.id.0.to_string(),
        freshness: prost_types::Duration::try_from(vault.leasing.freshness()).ok(),
        revisions,
    }))
}

/// Has the session told of changes of a scope that the router still holds something of, and returns
/// the scope's revision; nothing when there is no such scope any more.
async fn depend_on(
    vault: &Vault,
    session: &Session,
    scope: RevisionScope,
) -> Result<Option<u64>, VaultError> {
    let slug = match &scope {
        RevisionScope::Platform => None,
        RevisionScope::Workspace(name) => Some(name.workspace.clone()),
    };
    let Some(found) = store::workspaces::find(&vault.store, slug.as_ref()).await? else {
        return Ok(None);
    };
    session.depend_on(found.peek().uid, scope, found.peek().revision);
    // Read again: a change that committed before the session depended on it told it nothing.
    let now = store::workspaces::find(&vault.store, slug.as_ref()).await?;
    Ok(now.map(|now| now.peek().revision))
}

/// Everything that the router is told, until the session or the vault ends.
fn told(
    welcome: Told,
    orders: mpsc::Receiver<Order>,
    answers: mpsc::Receiver<Told>,
    session: Arc<Session>,
    drain: Drain,
) -> Answers {
    let first = stream::iter([Ok(OpenRouterSessionResponse {
        message: Some(welcome),
    })]);
    let rest = stream::unfold(
        Some((orders, answers, session, drain)),
        |state| async move {
            let (mut orders, mut answers, session, drain) = state?;
            let message = tokio::select! {
                // What takes something away goes before what gives more time.
                biased;
                order = orders.recv() => order.map(encode_order),
                () = session.ended().cancelled() => None,
                () = drain.started() => return Some((Err(stopping()), None)),
                answer = answers.recv() => answer,
            };
            match message {
                Some(message) => {
                    let response = OpenRouterSessionResponse {
                        message: Some(message),
                    };
                    Some((Ok(response), Some((orders, answers, session, drain))))
                }
                None if session.has_left() => None,
                None => Some((Err(VaultError::from(SessionError::Fenced).into()), None)),
            }
        },
    );
    Box::pin(first.chain(rest))
}

fn stopping() -> Status {
    Refusal::new(Reason::VaultStopping, "the vault is stopping: attach again")
        .retry_after(std::time::Duration::from_secs(1))
        .into_status(DOMAIN)
}

/// Hears what the router says, until it stops.
async fn listen(
    vault: Arc<Vault>,
    session: Arc<Session>,
    mut stream: Streaming<OpenRouterSessionRequest>,
    answers: mpsc::Sender<Told>,
    act: Act,
) {
    loop {
        let said = tokio::select! {
            said = stream.message() => said,
            () = session.ended().cancelled() => return,
        };
        match said {
            Ok(Some(request)) => hear(&vault, &session, request.message, &answers, &act).await,
            // A clean end: the router dropped everything.
            Ok(None) => return vault.leasing.leave(&session),
            Err(_broken) => return vault.leasing.detach(&session),
        }
    }
}

async fn hear(
    vault: &Vault,
    session: &Session,
    said: Option<Said>,
    answers: &mpsc::Sender<Told>,
    act: &Act,
) {
    match said {
        Some(Said::KeepAlive(keep_alive)) => {
            if !vault.leasing.heard_from(session) {
                return;
            }
            let remaining = prost_types::Duration::try_from(vault.leasing.remaining()).ok();
            let answer = KeepAliveAnswer {
                sequence: keep_alive.sequence,
                remaining,
            };
            // Full only when the router does not read; it will lapse.
            let _ = answers.try_send(Told::KeepAliveAnswer(answer));
        }
        Some(Said::Acknowledgement(said)) => {
            let in_flight = u64::try_from(said.in_flight_count).unwrap_or_default();
            if let (Ok(scope), Ok(revision)) = (said.scope.parse(), u64::try_from(said.revision)) {
                session.acknowledge(scope, revision, in_flight);
            }
        }
        Some(Said::VerificationResult(result)) => {
            if let Some((id, outcome)) = decode_result(result) {
                vault.leasing.task_done(id, outcome);
            }
        }
        Some(Said::KeyReport(report)) => {
            if let Err(error) = quarantine(vault, session, report, act).await {
                let chain = &error as &dyn std::error::Error;
                tracing::warn!(error = chain, "a reported key could not be set aside");
            }
        }
        // A second Hello, or a message of a later contract.
        Some(Said::Hello(_)) | None => {}
    }
}

/// Sets a key aside that its provider refused, if the session really holds it and nothing newer is
/// current.
async fn quarantine(
    vault: &Vault,
    session: &Session,
    report: KeyReport,
    act: &Act,
) -> Result<(), VaultError> {
    let name: KeyVersionName = report
        .key_version
        .parse()
        .map_err(VaultError::name("key_report.key_version"))?;
    if !session.holds(&name) {
        return Ok(());
    }
    let mut change = Change::begin(vault, &name.key.parent, act.clone()).await?;
    let key = change.key(&name.key, "").await?;
    if key.current_version != name.version {
        return Ok(());
    }
    let words = decode_words(report.refusal.unwrap_or_default());
    let before = key.state;
    let key = key.quarantine(words.to_string(), change.now)?;
    if key.state == before {
        return Ok(());
    }
    let event = change
        .event(&name.key)
        .with("version", name.version)
        .with("provider", &words);
    store::keys::update(&change.unit, change.keys.stamp(key)).await?;
    change.record(event).await?;
    change.revoke(&name.key, name.version);
    let committed = change.commit().await?;
    // Not waited for: the reporting router's own acknowledgement comes through this very loop.
    let leasing = Arc::clone(&vault.leasing);
    tokio::spawn(async move { leasing.propagate(committed).await });
    Ok(())
}

fn encode_order(order: Order) -> Told {
    match order {
        Order::Invalidate {
            scope,
            revision,
            revoked,
        } => Told::Invalidation(Invalidation {
            scope: scope.to_string(),
            revision: encode::signed(revision),
            revoked_key_versions: revoked.iter().map(ToString::to_string).collect(),
        }),
        Order::Verify(task) => Told::VerificationTask(encode_task(&task)),
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
        Outcome::Rejected(refusal) => TaskOutcome::Rejected(decode_words(refusal)),
        Outcome::Unreachable(refusal) => TaskOutcome::Unreachable(decode_words(refusal)),
    };
    Some((id, outcome))
}

fn decode_words(refusal: ProviderRefusal) -> ProviderMessage {
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
