//! Vectors.

use std::borrow::Cow;

use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::embeddings::{self, Call, Embeddings, Reader};
use latchkey_providers::encode::{EncodeError, WireRequest};

use super::asked::Asked;
use super::attempt::Told;
use super::conditions::Conditions;
use super::estimate::Size;
use super::operation::{Aim, Failed, Operation};
use super::plan::Leg;
use super::ready::Ready;
use super::{Dispatcher, Request};
use crate::domain::attempt::{self, Attempt};
use crate::error::RouterError;

/// Vectors and their account.
pub struct Embedded {
    /// The vectors.
    pub embeddings: Embeddings,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

impl Dispatcher {
    /// Turns texts into vectors. Another model's vectors mean something else, so none falls back.
    pub async fn embed(
        &self,
        request: Request<'_>,
        wanted: &EmbedRequest,
    ) -> Result<Embedded, RouterError> {
        let asked = self.asked_for_vectors(request, wanted)?;
        let (mut embedded, mut attempts) = self.try_all(asked, &Embed(wanted)).await?;
        attempts.append(&mut embedded.attempts);
        Ok(Embedded {
            attempts,
            ..embedded
        })
    }

    /// Whom a request for vectors may be put to.
    pub(super) fn asked_for_vectors<'a>(
        &self,
        request: Request<'a>,
        wanted: &EmbedRequest,
    ) -> Result<Asked<'a>, RouterError> {
        let said = (&*wanted.provider, &*wanted.model, &*wanted.key);
        let leg = Leg::new(said, &self.catalogue.current(), str::to_owned)?;
        let conditions = Conditions::read(wanted.funding.as_ref(), wanted.expectations.as_ref())?;
        Ok(Asked::one(request, leg, wanted.origin(), conditions))
    }
}

pub(super) struct Embed<'a>(pub(super) &'a EmbedRequest);

impl Operation for Embed<'_> {
    type Reading = Reader;
    type Answer = Embedded;
    const OPERATION: attempt::Operation = attempt::Operation::Embed;
    const CAPABILITY: Capability = Capability::Embed;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_inputs(self.0))
    }

    fn encode(&self, aim: &Aim<'_>) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = embeddings::request(&Call {
            target: aim.target,
            model: aim.model,
            request: &for_provider(self.0, aim),
        })?;
        Ok((exchange.request, exchange.reader))
    }

    async fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: Ready<Reader>,
    ) -> Result<Embedded, Failed> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (embeddings, _, open) = dispatcher.ask(ready, read).await?;
        let attempt = open.succeed(&Told {
            served_model: &embeddings.model,
            usage: embeddings.usage,
            cost_nanos: embeddings.cost_nanos,
            ..Told::default()
        });
        Ok(Embedded {
            embeddings,
            attempts: attempt.into_iter().collect(),
        })
    }
}

/// The request as this provider may see it: the options are the first choice's own fields.
fn for_provider<'a>(wanted: &'a EmbedRequest, aim: &Aim<'_>) -> Cow<'a, EmbedRequest> {
    if aim.first_choice || wanted.provider_options.is_none() {
        return Cow::Borrowed(wanted);
    }
    Cow::Owned(EmbedRequest {
        provider_options: None,
        ..wanted.clone()
    })
}
