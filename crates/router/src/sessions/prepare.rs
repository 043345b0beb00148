//! A request in a session: made one without, and its answer made a turn.

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
use crate::domain::session::{Session, TargetFields, TurnHead, can_be_repeated};
use crate::error::RouterError;
use crate::vault_client::DataKey;

/// A request that depends on no session any more.
pub struct Prepared<'a> {
    /// What is to be answered.
    pub request: Cow<'a, GenerateRequest>,
    /// What it continues, if anything.
    continued: Option<Box<Continued>>,
}

/// How many messages of a conversation come from a transcript: what tells of the conversation by its
/// places is put right with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placing(usize);

/// A transcript that a request continues.
struct Continued {
    sessions: Arc<Sessions>,
    session: Session,
    /// Held from before the model is asked: the answer can be sealed though the vault goes away.
    key: Arc<DataKey>,
    /// How many messages come from the transcript.
    before: usize,
    deadline: Option<Instant>,
}

impl Sessions {
    /// Makes a request one without a session: with the session's key and model where it names none,
    /// and with the transcript before its messages. The session counts as used from now on. A request
    /// without a session is taken as it is.
    pub async fn prepare<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        if wanted.session.is_empty() {
            return Ok(Prepared {
                request: Cow::Borrowed(wanted),
                continued: None,
            });
        }
        // Apart, so that requests without a session carry none of it around.
        let opened = Box::pin(self.in_session(context, wanted, true));
        in_time(context.deadline, opened).await
    }

    /// The same for whoever only wants to know: it is no use of the session.
    pub async fn look<'a>(
        self: &Arc<Self>,
        context: CallContext<'_>,
        wanted: &'a GenerateRequest,
    ) -> Result<Prepared<'a>, RouterError> {
        if wanted.session.is_empty() {
            return self.prepare(context, wanted).await;
        }
        let opened = Box::pin(self.in_session(context, wanted, false));
        in_time(context.deadline, opened).await
    }

    async fn in_session<'a>(
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
            let problem = "must be a session of the workspace that the request is for";
            return Err(RouterError::field("session", problem));
        }
        let session = self.find(&name).await?;
        if !session.admits(context.scope) {
            let problem = format!("is for requests of {} alone", session.scope);
            return Err(RouterError::field("session", problem));
        }
        let brought: usize = wanted.messages.iter().map(Message::encoded_len).sum();
        if let Some(transcript) = &session.transcript {
            transcript.check_room(brought as u64)?;
        }
        let now = self.clock.now();
        if is_use && !self.store.use_session(session.uid, now).await? {
            return Err(RouterError::SessionNotFound);
        }
        let mut request = self.effective(&session, wanted);
        let Some(transcript) = &session.transcript else {
            return Ok(Prepared {
                request: Cow::Owned(request),
                continued: None,
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
        let continued = Continued {
            sessions: Arc::clone(self),
            session,
            key,
            before,
            deadline: context.deadline,
        };
        Ok(Prepared {
            request: Cow::Owned(request),
            continued: Some(Box::new(continued)),
        })
    }

    /// The request with what it takes from its session, but for the transcript.
    fn effective(&self, session: &Session, wanted: &GenerateRequest) -> GenerateRequest {
        let said = TargetFields {
            key: &wanted.key,
            provider: &wanted.provider,
            model: &wanted.model,
        };
        let catalogue = self.catalogue.current();
        let chosen = session.choose(said, |model| {
            let stays = session.settings.provider.parse().is_ok_and(|provider| {
                // Who serves models of many makers may serve this one too.
                !makes_models(provider) || catalogue.find(provider, model).is_some()
            });
            !stays && catalogue.provider_of(model).is_some()
        });
        GenerateRequest {
            key: chosen.key.to_owned(),
            provider: chosen.provider.to_owned(),
            model: chosen.model.to_owned(),
            strict: wanted.strict || session.settings.strict,
            session: String::new(),
            ..wanted.clone()
        }
    }
}

impl Prepared<'_> {
    /// An error with its fields where the caller has them: messages of its own are counted from its
    /// own first one, and what is wrong in the transcript says that it is there.
    #[must_use]
    pub fn blame(&self, error: RouterError) -> RouterError {
        self.placing().blame(error)
    }

    /// The request itself, and what puts right what is told of it. It adds nothing to the transcript.
    pub fn into_parts(self) -> (GenerateRequest, Placing) {
        let placing = self.placing();
        (self.request.into_owned(), placing)
    }

    /// Adds what was answered to the transcript, if there is one, and says which turn it became.
    /// Whatever goes wrong with that, the answer stands.
    pub async fn finish(self, answered: &mut Answered) {
        if let Some(turn) = self.into_turn() {
            Box::pin(turn.finish(answered)).await;
        }
    }

    /// The same once a streamed answer is complete.
    pub fn follow(self, pieces: AnswerStream) -> AnswerStream {
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

    fn placing(&self) -> Placing {
        let continued = self.continued.as_ref();
        Placing(continued.map_or(0, |continued| continued.before))
    }

    fn into_turn(self) -> Option<OpenTurn> {
        let continued = self.continued?;
        let mut messages = self.request.into_owned().messages;
        let brought = messages.split_off(continued.before);
        Some(OpenTurn { continued, brought })
    }
}

/// A turn that is not answered yet.
struct OpenTurn {
    continued: Box<Continued>,
    /// The request's own messages.
    brought: Vec<Message>,
}

impl OpenTurn {
    async fn finish(self, answered: &mut Answered) {
        let Self { continued, brought } = self;
        Placing(continued.before).place(&mut answered.portability);
        let name = continued.session.name.clone();
        if !can_be_repeated(&answered.answer.message) {
            tracing::warn!(session = %name, "an answer is not kept: it breaks off in a tool call");
            return;
        }
        let deadline = continued.deadline;
        match in_time(deadline, continued.append(brought, answered)).await {
            Ok(turn) => {
                answered.turn = Some(TurnName {
                    session: name,
                    turn,
                });
            }
            Err(error) => {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, session = %name, "an answer could not be kept");
            }
        }
    }
}

impl Continued {
    async fn append(&self, brought: Vec<Message>, answered: &Answered) -> Result<u64, RouterError> {
        let attempt = answered.attempts.last();
        let attempt = attempt.ok_or(RouterError::Integrity("an answer without its attempt"))?;
        let said = Turn {
            messages: brought,
            answer: Some(answered.answer.message.clone()),
            portability: answered.portability.clone(),
            ..Turn::default()
        };
        let head = TurnHead {
            number: 0,
            provider: attempt.start.provider.to_string(),
            // As the account has it: bounded, and of characters that every database takes.
            model: attempt.outcome.served_model.clone(),
            key_version: attempt.start.key_version.clone(),
            payer: attempt.start.payer,
            finish_reason: answered.answer.finish_reason,
            create_time: self.sessions.clock.now(),
            size: 0,
        };
        let added = self.sessions.append(&self.session, &self.key, head, &said);
        added.await
    }
}

impl Placing {
    /// An error with its fields where the caller has them.
    #[must_use]
    pub fn blame(self, error: RouterError) -> RouterError {
        match self.0 {
            0 => error,
            before => error.map_fields(&|field| fields::place(field, before)),
        }
    }

    /// What a model was not shown, where the caller has it.
    pub fn place(self, losses: &mut [Loss]) {
        if self.0 > 0 {
            for loss in losses {
                loss.field = fields::place(&loss.field, self.0);
            }
        }
    }
}
