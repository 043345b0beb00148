//! Counts the tokens of a prompt at its provider.

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{Call, EncodeError, WireRequest};
use latchkey_providers::{Dialect, tokens};

use super::{EncodeTarget, FailedCall, Operation};
use crate::dispatch::accounted::Accounted;
use crate::dispatch::cost::Size;
use crate::dispatch::open_attempt::ProviderReport;
use crate::dispatch::prepared::PreparedCall;
use crate::dispatch::request::CallContext;
use crate::dispatch::{Dispatcher, plan};
use crate::domain::attempt;
use crate::domain::capability::Capability;
use crate::error::RouterError;

impl Dispatcher {
    /// Counts the tokens of a request's prompt. There is no fallback: another model counts differently.
    pub async fn count_tokens(
        &self,
        context: CallContext<'_>,
        message: &GenerateRequest,
    ) -> Result<Accounted<i64>, RouterError> {
        let request = self.read(context, message)?;
        // Not used, but refused where they are invalid, as in Generate.
        plan::fallbacks(message, &self.catalogue.current())?;
        self.perform_accounted(request, &CountTokens(message)).await
    }
}

struct CountTokens<'a>(&'a GenerateRequest);

impl Operation for CountTokens<'_> {
    type Reading = Dialect;
    type Answer = Accounted<i64>;
    const OPERATION: attempt::Operation = attempt::Operation::CountTokens;
    const CAPABILITY: Capability = Capability::Generate;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        None
    }

    fn encode(&self, target: &EncodeTarget<'_>) -> Result<(WireRequest, Dialect), EncodeError> {
        let exchange = tokens::request(&Call {
            target: target.target,
            model: target.model,
            traits: target.traits,
            request: &target.view_of(self.0),
            stream: false,
        })?;
        Ok((exchange.request, exchange.dialect))
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        call: PreparedCall<Dialect>,
    ) -> Result<Accounted<i64>, FailedCall> {
        let read = |dialect: &Dialect, reply: &Reply<'_>| tokens::read(*dialect, reply);
        let (input_tokens, _, attempt) = dispatcher.call_whole(call, read).await?;
        // No provider charges for it.
        let attempt = attempt.succeed(&ProviderReport {
            cost_nanos: Some(0),
            ..ProviderReport::default()
        });
        Ok(Accounted::new(input_tokens, attempt))
    }
}
