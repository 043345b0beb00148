//! Vectors.

use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::embeddings::{self, Call, Embeddings, Reader};
use latchkey_providers::encode::{EncodeError, WireRequest};

use super::accounted::Accounted;
use super::attempt::ProviderReport;
use super::conditions::Conditions;
use super::estimate::Size;
use super::operation::{EncodeTarget, Failed, Operation};
use super::plan::ModelTarget;
use super::prepared::PreparedCall;
use super::request::DispatchRequest;
use super::{Dispatcher, Request};
use crate::domain::attempt;
use crate::error::RouterError;

impl Dispatcher {
    /// Turns texts into vectors. Another model's vectors mean something else, so none falls back.
    pub async fn embed(
        &self,
        request: Request<'_>,
        wanted: &EmbedRequest,
    ) -> Result<Accounted<Embeddings>, RouterError> {
        let asked = self.asked_for_vectors(request, wanted)?;
        self.account_for(asked, &Embed(wanted)).await
    }

    /// Whom a request for vectors may be put to.
    pub(super) fn asked_for_vectors<'a>(
        &self,
        request: Request<'a>,
        wanted: &EmbedRequest,
    ) -> Result<DispatchRequest<'a>, RouterError> {
        let said = (&*wanted.provider, &*wanted.model, &*wanted.key);
        let target = ModelTarget::new(said, &self.catalogue.current(), str::to_owned)?;
        let conditions = Conditions::read(wanted.funding.as_ref(), wanted.expectations.as_ref())?;
        Ok(DispatchRequest::one(
            request,
            target,
            wanted.origin(),
            conditions,
        ))
    }
}

pub(super) struct Embed<'a>(pub(super) &'a EmbedRequest);

impl Operation for Embed<'_> {
    type Reading = Reader;
    type Answer = Accounted<Embeddings>;
    const OPERATION: attempt::Operation = attempt::Operation::Embed;
    const CAPABILITY: Capability = Capability::Embed;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_inputs(self.0))
    }

    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = embeddings::request(&Call {
            target: encode_target.target,
            model: encode_target.model,
            request: &encode_target.view_of(self.0),
        })?;
        Ok((exchange.request, exchange.reader))
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: PreparedCall<Reader>,
    ) -> Result<Accounted<Embeddings>, Failed> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (embeddings, _, open) = dispatcher.ask(ready, read).await?;
        let attempt = open.succeed(&ProviderReport {
            served_model: &embeddings.model,
            usage: embeddings.usage,
            cost_nanos: embeddings.cost_nanos,
            ..ProviderReport::default()
        });
        Ok(Accounted::new(embeddings, attempt))
    }
}
