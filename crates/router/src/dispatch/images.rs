//! Pictures.

use latchkey_contract::router::v1::GenerateImagesRequest;
use latchkey_contract::vault::v1::Capability;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::images::{self, Call, Images, Reader};

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
    /// Makes pictures.
    pub async fn generate_images(
        &self,
        request: Request<'_>,
        wanted: &GenerateImagesRequest,
    ) -> Result<Accounted<Images>, RouterError> {
        let asked = self.asked_for_pictures(request, wanted)?;
        self.account_for(asked, &GenerateImages(wanted)).await
    }

    /// Whom a request for pictures may be put to.
    pub(super) fn asked_for_pictures<'a>(
        &self,
        request: Request<'a>,
        wanted: &GenerateImagesRequest,
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

pub(super) struct GenerateImages<'a>(pub(super) &'a GenerateImagesRequest);

impl Operation for GenerateImages<'_> {
    type Reading = Reader;
    type Answer = Accounted<Images>;
    const OPERATION: attempt::Operation = attempt::Operation::GenerateImages;
    const CAPABILITY: Capability = Capability::GenerateImages;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_pictures(self.0))
    }

    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = images::request(&Call {
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
    ) -> Result<Accounted<Images>, Failed> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (images, _, open) = dispatcher.ask(ready, read).await?;
        let attempt = open.succeed(&ProviderReport {
            served_model: &images.model,
            usage: images.usage,
            service_tier: &images.service_tier,
            cost_nanos: images.cost_nanos,
        });
        Ok(Accounted::new(images, attempt))
    }
}
