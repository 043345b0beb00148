//! Expands a request in a session, and adds its answer to the transcript.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use latchkey_contract::names::{SessionName, TurnName};
use latchkey_contract::router::v1::{GenerateRequest, Loss, Message, Turn};
use latchkey_providers::catalogue::makes_models;
use prost::Message as _;
use tokio::time::Instant;

use super::transcript::{is_paused, messages};
use super::{Sessions, fields};
use crate::dispatch::{AnswerStream, Answered, CallContext, Piece, in_time};
use crate::domain::attempt::Attempt;
use crate::domain::model_target::ModelTarget;
use crate::domain::session::{Session, TurnHead, can_be_repeated};
use crate::domain::target_fields::TargetFields;
use crate::error::RouterError;
use crate::vault_client::DataKey;

/// A self-contained request.
pub struct Prepared<'a> {
    /// The request, without a session.
    pub request: Cow<'a, GenerateRequest>,
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
    /// The number of messages from the transcript.
    before: usize,
    deadline: Option<Instant>,
}

impl Sessions {
    /// Expands a request: fields that it leaves empty come from the session's settings, and the
    /// transcript comes before its messages. The session's retention restarts. A request without a
    /// session is returned as it is.
    pub async fn prepare<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        if wanted.session.is_empty() {
            return Ok(Prepared {
                request: Cow::Borrowed(wanted),
                continuation: None,
            });
        }
        // Boxed, so that the future stays small for requests without a session.
        let expanded = Box::pin(self.expand(context, wanted, true));
        in_time(context.deadline, expanded).await
    }

    /// Expands a request for a dry run, which does not count as a use of the session.
    pub async fn prepare_dry_run<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        if wanted.session.is_empty() {
            return self.prepare(context, wanted).await;
        }
        let expanded = Box::pin(self.expand(context, wanted, false));
        in_time(context.deadline, expanded).await
    }

    async fn expand<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &GenerateRequest,
        is_use: bool,
    ) -> Result<Prepared<'a>, RouterError> {
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
        let new_bytes: usize = wanted.messages.iter().map(Message::encoded_len).sum();
        if let Some(transcript) = &session.transcript {
            transcript.check_room(new_bytes as u64)?;
        }
        let mut request = self.with_settings(&session, wanted)?;
        let now = self.clock.now();
        if is_use && !self.store.use_session(session.uid, now).await? {
            return Err(RouterError::SessionNotFound);
        }
        let Some(transcript) = &session.transcript else {
            return Ok(Prepared {
                request: Cow::Owned(request),
                continuation: None,
            });
        };
        let key = self.key_of(transcript).await?;
        let turns = self.opened(&session, transcript, &key).await?;
        if wanted.messages.is_empty() && !is_paused(&turns) {
            return Err(RouterError::field("messages", "is required"));
        }
        let mut conversation = messages(turns);
        let before = conversation.len();
        conversation.append(&mut request.messages);
        request.messages = conversation;
        let continuation = Continuation {
            sessions: Arc::clone(self),
            session,
            key,
            before,
            deadline: context.deadline,
        };
        Ok(Prepared {
            request: Cow::Owned(request),
            continuation: Some(Box::new(continuation)),
        })
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

    /// The request and the offset of its messages. The answer is not added to the transcript.
    pub fn into_parts(self) -> (GenerateRequest, FieldOffset) {
        let offset = self.offset();
        (self.request.into_owned(), offset)
    }

    /// Adds the answer to the transcript, if there is one, and sets the answer's turn. An error is only
    /// logged: the answer is returned without a turn.
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
            if let Ok(Piece::Completed(answered)) = &mut step
                && let Some(turn) = turn.take()
            {
                turn.finish(answered).await;
            }
            Some((step, (pieces, turn)))
        };
        Box::pin(stream::unfold((pieces, Some(turn)), next))
    }

    fn offset(&self) -> FieldOffset {
        let continuation = self.continuation.as_ref();
        FieldOffset(continuation.map_or(0, |continuation| continuation.before))
    }

    fn into_turn(self) -> Option<OpenTurn> {
        let continuation = self.continuation?;
        let mut messages = self.request.into_owned().messages;
        let new_messages = messages.split_off(continuation.before);
        Some(OpenTurn {
            continuation,
            new_messages,
        })
    }
}

/// A turn without an answer.
struct OpenTurn {
    continuation: Box<Continuation>,
    /// The messages of the request itself.
    new_messages: Vec<Message>,
}

impl OpenTurn {
    async fn finish(self, answered: &mut Answered) {
        let Self {
            continuation,
            new_messages,
        } = self;
        FieldOffset(continuation.before).losses_to_caller(&mut answered.portability);
        let name = continuation.session.name.clone();
        if !can_be_repeated(&answered.answer.message) {
            tracing::warn!(session = %name, "an answer with a truncated tool call was not stored");
            return;
        }
        let Some(attempt) = answered.attempts.last() else {
            debug_assert!(false, "the last attempt answered");
            return;
        };
        let deadline = continuation.deadline;
        let appended = continuation.append(new_messages, answered, attempt);
        match in_time(deadline, appended).await {
            Ok(turn) => {
                answered.turn = Some(TurnName {
                    session: name,
                    turn,
                });
            }
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, session = %name, "an answer could not be stored");
            }
        }
    }
}

impl Continuation {
    async fn append(
        &self,
        new_messages: Vec<Message>,
        answered: &Answered,
        attempt: &Attempt,
    ) -> Result<u64, RouterError> {
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
