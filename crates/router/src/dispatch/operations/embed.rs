//! Embeds texts.

use latchkey_contract::router::v1::EmbedRequest;
use latchkey_providers::decode::Reply;
use latchkey_providers::embeddings::{self, Call, Embeddings, Reader};
use latchkey_providers::encode::{EncodeError, WireRequest};

use super::{EncodeTarget, FailedCall, Operation};
use crate::dispatch::Dispatcher;
use crate::dispatch::accounted::Accounted;
use crate::dispatch::cost::Size;
use crate::dispatch::open_attempt::ProviderReport;
use crate::dispatch::prepared::PreparedCall;
use crate::dispatch::request::CallContext;
use crate::domain::attempt;
use crate::domain::capability::Capability;
use crate::error::RouterError;

impl Dispatcher {
    /// Embeds texts. There is no fallback, since another model's vectors have another meaning.
    pub async fn embed(
        &self,
        context: CallContext<'_>,
        message: &EmbedRequest,
    ) -> Result<Accounted<Embeddings>, RouterError> {
        let request = self.read(context, message)?;
        self.perform_accounted(request, &Embed(message)).await
    }
}

pub(in crate::dispatch) struct Embed<'a>(pub(in crate::dispatch) &'a EmbedRequest);

impl Operation for Embed<'_> {
    type Reading = Reader;
    type Answer = Accounted<Embeddings>;
    const OPERATION: attempt::Operation = attempt::Operation::Embed;
    const CAPABILITY: Capability = Capability::Embed;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_inputs(self.0))
    }

    fn encode(&self, target: &EncodeTarget<'_>) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = embeddings::request(&Call {
            target: target.target,
            model: target.model,
            request: &target.view_of(self.0),
        })?;
        Ok((exchange.request, exchange.reader))
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        call: PreparedCall<Reader>,
    ) -> Result<Accounted<Embeddings>, FailedCall> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (embeddings, _, attempt) = dispatcher.call_whole(call, read).await?;
        let attempt = attempt.succeed(&ProviderReport {
            served_model: &embeddings.model,
            usage: embeddings.usage,
            cost_nanos: embeddings.cost_nanos,
            ..ProviderReport::default()
        });
        Ok(Accounted::new(embeddings, attempt))
    }
}
