//! Expands a request in a session, and adds its answer to the transcript.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use latchkey_contract::names::{SessionName, TurnName};
use latchkey_contract::router::v1::turn_omission::Reason as OmissionReason;
use latchkey_contract::router::v1::{GenerateRequest, Loss, Message, Turn, TurnOmission};
use latchkey_providers::catalogue::makes_models;
use prost::Message as _;
use tokio::time::Instant;

use super::claim::HeldClaim;
use super::transcript::{is_paused, messages};
use super::{Sessions, fields};
use crate::dispatch::{AnswerStream, Answered, CallContext, Piece, in_time};
use crate::domain::model_target::ModelTarget;
use crate::domain::session::{Session, Transcript, TurnHead, can_be_repeated};
use crate::domain::target_fields::TargetFields;
use crate::error::RouterError;
use crate::vault_client::DataKey;

/// A self-contained request.
pub struct Prepared<'a> {
    /// The request, without a session.
    pub request: Cow<'a, GenerateRequest>,
    /// The number of messages from the transcript.
    before: usize,
    /// The transcript that the answer is added to, if any.
    continuation: Option<Box<Continuation>>,
}

/// The number of transcript messages before the messages of a request. It maps field paths of the
/// expanded request to those of the caller's request.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldOffset(usize);

/// A transcript that a request continues.
struct Continuation {
    sessions: Arc<Sessions>,
    session: Session,
    /// Leased before the call, so that the answer can be sealed even when the vault is away.
    key: Arc<DataKey>,
    claim: HeldClaim,
    deadline: Option<Instant>,
}

/// What a request does with its session.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Purpose {
    /// Adds a turn to the transcript.
    Continue,
    /// Reads the transcript. It counts as a use of the session.
    Read,
    /// Reads the transcript for a dry run. It does not count.
    DryRun,
}

/// Reads of a session that another request may change before it is claimed.
const MAX_CLAIM_ATTEMPTS: usize = 3;

impl Sessions {
    /// Expands a request that continues its session: fields that it leaves empty come from the session's
    /// settings, and the transcript comes before its messages. The session's retention restarts. A
    /// request without a session is returned as it is.
    pub async fn prepare<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        self.prepare_for(Purpose::Continue, context, wanted).await
    }

    /// Expands a request whose answer is not added to the transcript.
    pub async fn prepare_to_read<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        self.prepare_for(Purpose::Read, context, wanted).await
    }

    /// Expands a request for a dry run, which does not count as a use of the session.
    pub async fn prepare_dry_run<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        self.prepare_for(Purpose::DryRun, context, wanted).await
    }

    async fn prepare_for<'a>(
        self: &Arc<Self>,
        purpose: Purpose,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        if wanted.session.is_empty() {
            if wanted.after_turn.is_some() {
                return Err(RouterError::field("after_turn", "requires `session`"));
            }
            return Ok(Prepared {
                request: Cow::Borrowed(wanted),
                before: 0,
                continuation: None,
            });
        }
        // Boxed, so that the future stays small for requests without a session.
        let expanded = Box::pin(self.expand(purpose, context, wanted));
        in_time(context.deadline, expanded).await
    }

    async fn expand<'a>(
        self: &Arc<Self>,
        purpose: Purpose,
        context: CallContext<'_>,
        wanted: &GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        for _ in 0..MAX_CLAIM_ATTEMPTS {
            let session = self.admitted(context, wanted, purpose).await?;
            let mut request = self.with_settings(&session, wanted)?;
            let Some(transcript) = session.transcript.clone() else {
                if purpose != Purpose::DryRun {
                    self.record_use(&session).await?;
                }
                return Ok(Prepared {
                    request: Cow::Owned(request),
                    before: 0,
                    continuation: None,
                });
            };
            let claim = match purpose {
                Purpose::Continue => {
                    let seen = transcript.turn_count;
                    match HeldClaim::take(self, &session, seen, context.deadline).await? {
                        None => continue,
                        claimed => claimed,
                    }
                }
                Purpose::Read => {
                    self.record_use(&session).await?;
                    None
                }
                Purpose::DryRun => None,
            };
            let read = self.read(&session, &transcript, &mut request).await;
            let (key, before) = match read {
                Ok(read) => read,
                Err(error) => {
                    if let Some(claim) = claim {
                        claim.release().await;
                    }
                    return Err(error);
                }
            };
            let continuation = claim.map(|claim| {
                Box::new(Continuation {
                    sessions: Arc::clone(self),
                    session,
                    key,
                    claim,
                    deadline: context.deadline,
                })
            });
            return Ok(Prepared {
                request: Cow::Owned(request),
                before,
                continuation,
            });
        }
        Err(RouterError::SessionBusy)
    }

    /// Puts the transcript before the messages of a request. Returns its data key and the number of its
    /// messages.
    async fn read(
        &self,
        session: &Session,
        transcript: &Transcript,
        request: &mut GenerateRequest,
    ) -> Result<(Arc<DataKey>, usize), RouterError> {
        let key = self.key_of(transcript).await?;
        let turns = self.opened(session, transcript, &key).await?;
        if request.messages.is_empty() && !is_paused(&turns) {
            return Err(RouterError::field("messages", "is required"));
        }
        let mut conversation = messages(turns);
        let before = conversation.len();
        conversation.append(&mut request.messages);
        request.messages = conversation;
        Ok((key, before))
    }

    /// The session of a request, if the request may use it.
    async fn admitted(
        &self,
        context: CallContext<'_>,
        wanted: &GenerateRequest,
        purpose: Purpose,
    ) -> Result<Session, RouterError> {
        let name: SessionName = wanted
            .session
            .parse()
            .map_err(RouterError::name("session"))?;
        if name.workspace != *context.scope.workspace() {
            let problem = "must be in the workspace of `parent`";
            return Err(RouterError::field("session", problem));
        }
        let session = self.find(&name).await?;
        let scope = self.vault.scope(context.scope).await?;
        if !session.admits(&scope) {
            let problem = format!("accepts only requests with the parent {}", session.scope);
            return Err(RouterError::field("session", problem));
        }
        let after_turn = wanted.after_turn.filter(|_| purpose == Purpose::Continue);
        if let Some(transcript) = &session.transcript {
            check_after_turn(transcript, after_turn)?;
            let new_bytes: usize = wanted.messages.iter().map(Message::encoded_len).sum();
            transcript.check_room(new_bytes as u64)?;
        } else if after_turn.is_some() {
            let problem = "requires a session with a transcript";
            return Err(RouterError::field("after_turn", problem));
        }
        Ok(session)
    }

    async fn record_use(&self, session: &Session) -> Result<(), RouterError> {
        let now = self.clock.now();
        let is_used = self.store.use_session(session.uid, now).await?;
        is_used.then_some(()).ok_or(RouterError::SessionNotFound)
    }

    /// The request with the session's settings, without the transcript.
    fn with_settings(
        &self,
        session: &Session,
        wanted: &GenerateRequest,
    ) -> Result<GenerateRequest, RouterError> {
        let requested = ModelTarget::parse(TargetFields {
            provider: &wanted.provider,
            model: &wanted.model,
            key: &wanted.key,
        })
        .map_err(|error| RouterError::field(error.field, error.problem))?;
        let catalogue = self.catalogue.current();
        let chosen = session.choose(requested, |model| {
            let model = model.as_str();
            let may_serve = session.settings.target.provider.is_some_and(|provider| {
                // A provider without models of its own may serve models of any maker.
                !makes_models(provider) || catalogue.find(provider, model).is_some()
            });
            !may_serve && catalogue.provider_of(model).is_some()
        });
        Ok(GenerateRequest {
            key: chosen.key_text(),
            provider: chosen.provider_text().to_owned(),
            model: chosen.model_text().to_owned(),
            strict: wanted.strict || session.settings.strict,
            session: String::new(),
            after_turn: None,
            ..wanted.clone()
        })
    }
}

impl Prepared<'_> {
    /// The error with field paths of the caller's request. A field of the transcript begins with
    /// `transcript`.
    #[must_use]
    pub fn error_to_caller(&self, error: RouterError) -> RouterError {
        self.offset().error_to_caller(error)
    }

    /// Ends a request that failed, so that another can use the session. Returns the error with field paths
    /// of the caller's request.
    pub async fn fail(self, error: RouterError) -> RouterError {
        let error = self.error_to_caller(error);
        if let Some(continuation) = self.continuation {
            continuation.claim.release().await;
        }
        error
    }

    /// The request and the offset of its messages. The answer is not added to the transcript.
    pub fn into_parts(self) -> (GenerateRequest, FieldOffset) {
        let offset = self.offset();
        (self.request.into_owned(), offset)
    }

    /// Adds the answer to the transcript, if there is one. Sets the answer's turn, or why it has none.
    pub async fn finish(self, answered: &mut Answered) {
        if let Some(turn) = self.into_turn() {
            Box::pin(turn.finish(answered)).await;
        }
    }

    /// Adds a streamed answer to the transcript, once it is complete.
    pub fn finish_stream(self, pieces: AnswerStream) -> AnswerStream {
        let Some(turn) = self.into_turn() else {
            return pieces;
        };
        let next = |(mut pieces, mut turn): (AnswerStream, Option<OpenTurn>)| async move {
            let mut step = pieces.next().await?;
            if !matches!(step, Ok(Piece::Delta(_)))
                && let Some(turn) = turn.take()
            {
                match &mut step {
                    Ok(Piece::Completed(answered)) => turn.finish(answered).await,
                    _ => turn.continuation.claim.release().await,
                }
            }
            Some((step, (pieces, turn)))
        };
        Box::pin(stream::unfold((pieces, Some(turn)), next))
    }

    fn offset(&self) -> FieldOffset {
        FieldOffset(self.before)
    }

    fn into_turn(self) -> Option<OpenTurn> {
        let continuation = self.continuation?;
        let mut messages = self.request.into_owned().messages;
        let new_messages = messages.split_off(self.before);
        Some(OpenTurn {
            before: self.before,
            continuation,
            new_messages,
        })
    }
}

/// A turn without an answer.
struct OpenTurn {
    /// The number of messages from the transcript.
    before: usize,
    continuation: Box<Continuation>,
    /// The messages of the request itself.
    new_messages: Vec<Message>,
}

impl OpenTurn {
    async fn finish(self, answered: &mut Answered) {
        let Self {
            before,
            continuation,
            new_messages,
        } = self;
        FieldOffset(before).losses_to_caller(&mut answered.portability);
        let name = continuation.session.name.clone();
        let outcome = continuation.store(new_messages, answered).await;
        if let Err(omission) = &outcome {
            let reason = omission.reason();
            let (name, detail) = (&name, &omission.detail);
            if reason == OmissionReason::Unavailable {
                tracing::error!(session = %name, detail, "an answer was not added to its session");
            } else {
                let reason = reason.as_str_name();
                tracing::info!(session = %name, reason, "an answer was not added to its session");
            }
        }
        answered.turn = Some(outcome.map(|turn| TurnName {
            session: name,
            turn,
        }));
    }
}

impl Continuation {
    /// Adds the turn, and ends the claim. Returns the turn's number, or why it was not added.
    async fn store(
        self,
        new_messages: Vec<Message>,
        answered: &Answered,
    ) -> Result<u64, TurnOmission> {
        let omission = |reason, detail: &str| TurnOmission {
            reason: i32::from(reason),
            detail: detail.to_owned(),
        };
        if !can_be_repeated(&answered.answer.message) {
            self.claim.release().await;
            let detail = "a tool call of the answer is incomplete or invalid";
            return Err(omission(OmissionReason::InvalidToolCall, detail));
        }
        let appended = self.append(new_messages, answered);
        match in_time(self.deadline, appended).await {
            Ok(turn) => {
                self.claim.ended();
                Ok(turn)
            }
            Err(error) => {
                self.claim.release().await;
                let reason = match &error {
                    RouterError::SessionContinued => OmissionReason::SessionContinued,
                    RouterError::SessionNotFound => OmissionReason::SessionDeleted,
                    RouterError::SessionTooLong(_) => OmissionReason::SessionTooLong,
                    _ => OmissionReason::Unavailable,
                };
                Err(omission(reason, &error.to_string()))
            }
        }
    }

    async fn append(
        &self,
        new_messages: Vec<Message>,
        answered: &Answered,
    ) -> Result<u64, RouterError> {
        let Some(attempt) = answered.attempts.last() else {
            debug_assert!(false, "the last attempt answered");
            return Err(RouterError::AttemptNotFound);
        };
        let turn = Turn {
            messages: new_messages,
            answer: Some(answered.answer.message.clone()),
            portability: answered.portability.clone(),
            ..Turn::default()
        };
        let head = TurnHead {
            number: 0,
            provider: attempt.start.provider,
            // From the attempt: its length and characters are those that every database accepts.
            model: attempt.outcome.served_model.clone(),
            key_version: attempt.start.key_version.clone(),
            payer: attempt.start.payer,
            finish_reason: answered.answer.finish_reason,
            create_time: self.sessions.clock.now(),
            size: 0,
        };
        self.sessions
            .append(&self.session, &self.key, head, &turn)
            .await
    }
}

/// Checks that the transcript has no later turn than the request follows.
fn check_after_turn(transcript: &Transcript, after_turn: Option<i64>) -> Result<(), RouterError> {
    let Some(after_turn) = after_turn else {
        return Ok(());
    };
    let last = i64::try_from(transcript.turn_count).unwrap_or(i64::MAX);
    if after_turn < 0 || after_turn > last {
        let problem = "must be 0, or the number of a turn of the session";
        return Err(RouterError::field("after_turn", problem));
    }
    if after_turn < last {
        return Err(RouterError::SessionContinued);
    }
    Ok(())
}

impl FieldOffset {
    /// The error with field paths of the caller's request.
    #[must_use]
    pub fn error_to_caller(self, error: RouterError) -> RouterError {
        match self.0 {
            0 => error,
            before => error.map_fields(&|field| fields::to_caller(field, before)),
        }
    }

    /// Replaces the field paths of losses by those of the caller's request.
    pub fn losses_to_caller(self, losses: &mut [Loss]) {
        if self.0 > 0 {
            for loss in losses {
                loss.field = fields::to_caller(&loss.field, self.0);
            }
        }
    }
}
