//! Vectors.

use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::embeddings::{self, Call, Embeddings, Reader};
use latchkey_providers::encode::{EncodeError, WireRequest};

use super::attempt::Told;
use super::plan::Leg;
use super::ready::Ready;
use super::trying::{Aim, Asked, Failed, Operation};
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
        let said = (&*wanted.provider, &*wanted.model, &*wanted.key);
        let leg = Leg::new(said, &self.catalogue.current(), str::to_owned)?;
        let asked = Asked::one(request, leg, wanted.origin());
        let (mut embedded, mut attempts) = self.try_all(asked, &Embed(wanted)).await?;
        attempts.append(&mut embedded.attempts);
        Ok(Embedded {
            attempts,
            ..embedded
        })
    }
}

struct Embed<'a>(&'a EmbedRequest);

impl Operation for Embed<'_> {
    type Reading = Reader;
    type Answer = Embedded;
    const OPERATION: attempt::Operation = attempt::Operation::Embed;
    const CAPABILITY: Capability = Capability::Embed;
    const STREAMED: bool = false;

    fn encode(&self, aim: &Aim<'_>) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = embeddings::request(&Call {
            target: aim.target,
            model: aim.model,
            request: self.0,
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
