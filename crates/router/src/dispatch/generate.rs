//! An answer, whole.

use latchkey_contract::names::TurnName;
use latchkey_contract::router::v1::{GenerateRequest, Loss};
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::Dialect;
use latchkey_providers::decode::{self, Answer, Reply};
use latchkey_providers::encode::{self, Call, EncodeError, WireRequest};

use super::attempt::{OpenAttempt, ProviderReport};
use super::conditions::Conditions;
use super::estimate::Size;
use super::operation::{EncodeTarget, Failed, Operation};
use super::plan::{self, Fallbacks, ModelTarget};
use super::prepared::PreparedCall;
use super::request::DispatchRequest;
use super::{Dispatcher, Request};
use crate::domain::attempt::{self, Attempt};
use crate::error::RouterError;

/// An answer and its account.
pub struct Answered {
    /// What the model said.
    pub answer: Answer,
    /// What of the conversation it was not shown.
    pub portability: Vec<Loss>,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
    /// The turn that it became of a session's transcript.
    pub turn: Option<TurnName>,
}

impl Dispatcher {
    /// Answers a request.
    pub async fn generate(
        &self,
        request: Request<'_>,
        wanted: &GenerateRequest,
    ) -> Result<Answered, RouterError> {
        let asked = self.asked(request, wanted)?;
        self.answer(asked, &Generate(wanted)).await
    }

    /// Answers what is asked.
    pub(super) async fn answer(
        &self,
        asked: DispatchRequest<'_>,
        operation: &Generate<'_>,
    ) -> Result<Answered, RouterError> {
        let (mut answered, mut attempts) = self.try_all(asked, operation).await?;
        attempts.append(&mut answered.attempts);
        Ok(Answered {
            attempts,
            ..answered
        })
    }

    /// Whom a request for an answer may be put to.
    pub(super) fn asked<'a>(
        &self,
        request: Request<'a>,
        wanted: &GenerateRequest,
    ) -> Result<DispatchRequest<'a>, RouterError> {
        let catalogue = self.catalogue.current();
        let said = (&*wanted.provider, &*wanted.model, &*wanted.key);
        let target = ModelTarget::new(said, &catalogue, str::to_owned)?;
        let conditions = Conditions::read(wanted.funding.as_ref(), wanted.expectations.as_ref())?;
        let mut asked = DispatchRequest::one(request, target, wanted.origin(), conditions);
        match plan::fallbacks(wanted, &catalogue)? {
            Fallbacks::Given(given) => asked.targets.extend(given),
            Fallbacks::OfTheWorkspace => asked.and_the_workspaces = true,
        }
        Ok(asked)
    }
}

pub(super) struct Generate<'a>(pub(super) &'a GenerateRequest);

/// What reading an answer takes.
pub(super) struct Reading {
    pub(super) dialect: Dialect,
    pub(super) portability: Vec<Loss>,
    /// What is left behind too if the answer says that it was not used.
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

    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Reading), EncodeError> {
        write(self.0, encode_target, false)
    }

    fn check(&self, reading: &Reading) -> Result<(), RouterError> {
        refuse_losses(self.0, reading)
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: PreparedCall<Reading>,
    ) -> Result<Answered, Failed> {
        let read = |reading: &Reading, reply: &Reply<'_>| decode::unary(reading.dialect, reply);
        let (answer, reading, open) = dispatcher.ask(ready, read).await?;
        Ok(settle(open, answer, reading))
    }
}

/// Writes a request for an answer.
pub(super) fn write(
    wanted: &GenerateRequest,
    encode_target: &EncodeTarget<'_>,
    stream: bool,
) -> Result<(WireRequest, Reading), EncodeError> {
    let request = encode_target.view_of(wanted);
    let exchange = encode::generate(&Call {
        target: encode_target.target,
        model: encode_target.model,
        traits: encode_target.traits,
        request: &request,
        stream,
    })?;
    let reading = Reading {
        dialect: exchange.dialect,
        portability: exchange.portability,
        sent_reasoning: exchange.sent_reasoning,
    };
    Ok((exchange.request, reading))
}

/// Refuses what would leave something of the conversation behind, if the request asks for that.
pub(super) fn refuse_losses(
    wanted: &GenerateRequest,
    reading: &Reading,
) -> Result<(), RouterError> {
    if wanted.strict && !reading.portability.is_empty() {
        return Err(RouterError::LossySwitch(reading.portability.clone()));
    }
    Ok(())
}

/// Settles the account of an answer.
pub(super) fn settle(open: OpenAttempt, answer: Answer, reading: Reading) -> Answered {
    let mut portability = reading.portability;
    let sent = reading.sent_reasoning.into_iter();
    let unused = sent.filter(|(id, _)| answer.unused_reasoning.contains(id));
    portability.extend(unused.map(|(_, loss)| loss));
    let attempt = open.succeed(&ProviderReport {
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
