//! Generates a whole answer.

use latchkey_contract::names::TurnName;
use latchkey_contract::router::v1::{GenerateRequest, Loss, TurnOmission};
use latchkey_providers::Dialect;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::encode::{self, Call, EncodeError, WireRequest};

use super::{EncodeTarget, FailedCall, Operation};
use crate::dispatch::cost::Size;
use crate::dispatch::open_attempt::{OpenAttempt, ProviderReport};
use crate::dispatch::prepared::PreparedCall;
use crate::dispatch::request::{CallContext, DispatchRequest};
use crate::dispatch::{Dispatcher, plan};
use crate::domain::attempt::{self, Attempt};
use crate::domain::capability::Capability;
use crate::error::RouterError;

/// An answer, and the attempts that led to it.
pub struct Answered {
    /// The model's answer.
    pub answer: Answer,
    /// The parts of the conversation that the model was not shown.
    pub portability: Vec<Loss>,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
    /// The turn of a session's transcript that the answer became, or why it became none. None where there
    /// is no transcript.
    pub turn: Option<Result<TurnName, TurnOmission>>,
}

impl Dispatcher {
    /// Answers a request.
    pub async fn generate(
        &self,
        context: CallContext<'_>,
        message: &GenerateRequest,
    ) -> Result<Answered, RouterError> {
        let request = self.read_generate(context, message)?;
        self.answer(request, &Generate(message)).await
    }

    /// Answers a request that was read.
    pub(in crate::dispatch) async fn answer(
        &self,
        request: DispatchRequest<'_>,
        operation: &Generate<'_>,
    ) -> Result<Answered, RouterError> {
        let (mut answered, mut attempts) = self.perform(request, operation).await?;
        attempts.append(&mut answered.attempts);
        Ok(Answered {
            attempts,
            ..answered
        })
    }

    /// Reads a request for an answer, with its fallbacks.
    pub(in crate::dispatch) fn read_generate<'a>(
        &self,
        context: CallContext<'a>,
        message: &GenerateRequest,
    ) -> Result<DispatchRequest<'a>, RouterError> {
        let request = self.read(context, message)?;
        let fallbacks = plan::fallbacks(message, &self.catalogue.current())?;
        Ok(DispatchRequest {
            fallbacks,
            ..request
        })
    }
}

pub(in crate::dispatch) struct Generate<'a>(pub(in crate::dispatch) &'a GenerateRequest);

/// What decoding an answer needs.
pub(in crate::dispatch) struct Reading {
    pub(super) dialect: Dialect,
    pub(super) portability: Vec<Loss>,
    /// Reasoning that was sent, by its id: it is lost too if the answer reports that it was not used.
    pub(super) sent_reasoning: Vec<(String, Loss)>,
}

impl Operation for Generate<'_> {
    type Reading = Reading;
    type Answer = Answered;
    const OPERATION: attempt::Operation = attempt::Operation::Generate;
    const CAPABILITY: Capability = Capability::Generate;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_conversation(self.0))
    }

    fn encode(&self, target: &EncodeTarget<'_>) -> Result<(WireRequest, Reading), EncodeError> {
        encode(self.0, target, false)
    }

    fn check(&self, reading: &Reading) -> Result<(), RouterError> {
        refuse_losses(self.0, reading)
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        call: PreparedCall<Reading>,
    ) -> Result<Answered, FailedCall> {
        let read = |reading: &Reading, reply: &Reply<'_>| decode::unary(reading.dialect, reply);
        let (answer, reading, attempt) = dispatcher.call_whole(call, read).await?;
        Ok(settle(attempt, answer, reading))
    }
}

/// Encodes a request for an answer.
pub(super) fn encode(
    message: &GenerateRequest,
    target: &EncodeTarget<'_>,
    stream: bool,
) -> Result<(WireRequest, Reading), EncodeError> {
    let exchange = encode::generate(&Call {
        target: target.target,
        model: target.model,
        traits: target.traits,
        request: &target.view_of(message),
        stream,
    })?;
    let reading = Reading {
        dialect: exchange.dialect,
        portability: exchange.portability,
        sent_reasoning: exchange.sent_reasoning,
    };
    Ok((exchange.request, reading))
}

/// Refuses a strict request that would lose a part of the conversation.
pub(super) fn refuse_losses(
    message: &GenerateRequest,
    reading: &Reading,
) -> Result<(), RouterError> {
    if message.strict && !reading.portability.is_empty() {
        return Err(RouterError::LossySwitch(reading.portability.clone()));
    }
    Ok(())
}

/// Settles the attempt of an answer.
pub(super) fn settle(attempt: OpenAttempt, answer: Answer, reading: Reading) -> Answered {
    let mut portability = reading.portability;
    let sent = reading.sent_reasoning.into_iter();
    let unused = sent.filter(|(id, _)| answer.unused_reasoning.contains(id));
    portability.extend(unused.map(|(_, loss)| loss));
    let attempt = attempt.succeed(&ProviderReport {
        served_model: &answer.model,
        usage: answer.usage,
        service_tier: &answer.service_tier,
        cost_nanos: answer.cost_nanos,
    });
    Answered {
        answer,
        portability,
        attempts: attempt.into_iter().collect(),
        turn: None,
    }
}
