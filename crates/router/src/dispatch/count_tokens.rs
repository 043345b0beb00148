//! The size of a prompt.

use latchkey_contract::router::v1::GenerateRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{Call, EncodeError, WireRequest};
use latchkey_providers::{Dialect, tokens};

use super::accounted::Accounted;
use super::attempt::ProviderReport;
use super::estimate::Size;
use super::operation::{EncodeTarget, Failed, Operation};
use super::prepared::PreparedCall;
use super::{Dispatcher, Request};
use crate::domain::attempt;
use crate::error::RouterError;

impl Dispatcher {
    /// Counts the tokens of a request's prompt.
    pub async fn count_tokens(
        &self,
        request: Request<'_>,
        wanted: &GenerateRequest,
    ) -> Result<Accounted<i64>, RouterError> {
        let mut asked = self.asked(request, wanted)?;
        // Another model counts otherwise.
        asked.targets.truncate(1);
        asked.and_the_workspaces = false;
        self.account_for(asked, &CountTokens(wanted)).await
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

    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Dialect), EncodeError> {
        let exchange = tokens::request(&Call {
            target: encode_target.target,
            model: encode_target.model,
            traits: encode_target.traits,
            request: &encode_target.view_of(self.0),
            stream: false,
        })?;
        Ok((exchange.request, exchange.dialect))
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: PreparedCall<Dialect>,
    ) -> Result<Accounted<i64>, Failed> {
        let read = |dialect: &Dialect, reply: &Reply<'_>| tokens::read(*dialect, reply);
        let (input_tokens, _, open) = dispatcher.ask(ready, read).await?;
        // No provider charges for it.
        let attempt = open.succeed(&ProviderReport {
            cost_nanos: Some(0),
            ..ProviderReport::default()
        });
        Ok(Accounted::new(input_tokens, attempt))
    }
}
