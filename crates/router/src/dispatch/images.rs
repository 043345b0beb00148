//! Pictures.

use latchkey_contract::router::v1::GenerateImagesRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::images::{self, Call, Images, Reader};

use super::attempt::Told;
use super::plan::Leg;
use super::ready::Ready;
use super::trying::{Aim, Asked, Failed, Operation};
use super::{Dispatcher, Request};
use crate::domain::attempt::{self, Attempt};
use crate::error::RouterError;

/// Pictures and their account.
pub struct Pictured {
    /// The pictures.
    pub images: Images,
    /// The calls that were made, in order; the last one answered.
    pub attempts: Vec<Attempt>,
}

impl Dispatcher {
    /// Makes pictures.
    pub async fn generate_images(
        &self,
        request: Request<'_>,
        wanted: &GenerateImagesRequest,
    ) -> Result<Pictured, RouterError> {
        let said = (&*wanted.provider, &*wanted.model, &*wanted.key);
        let leg = Leg::new(said, &self.catalogue.current(), str::to_owned)?;
        let asked = Asked::one(request, leg, wanted.origin());
        let (mut pictured, mut attempts) = self.try_all(asked, &GenerateImages(wanted)).await?;
        attempts.append(&mut pictured.attempts);
        Ok(Pictured {
            attempts,
            ..pictured
        })
    }
}

struct GenerateImages<'a>(&'a GenerateImagesRequest);

impl Operation for GenerateImages<'_> {
    type Reading = Reader;
    type Answer = Pictured;
    const OPERATION: attempt::Operation = attempt::Operation::GenerateImages;
    const CAPABILITY: Capability = Capability::GenerateImages;
    const STREAMED: bool = false;

    fn encode(&self, aim: &Aim<'_>) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = images::request(&Call {
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
    ) -> Result<Pictured, Failed> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (images, _, open) = dispatcher.ask(ready, read).await?;
        let attempt = open.succeed(&Told {
            served_model: &images.model,
            usage: images.usage,
            service_tier: &images.service_tier,
            cost_nanos: images.cost_nanos,
        });
        Ok(Pictured {
            images,
            attempts: attempt.into_iter().collect(),
        })
    }
}
