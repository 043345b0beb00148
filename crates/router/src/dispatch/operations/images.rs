//! Generates images.

use latchkey_contract::router::v1::GenerateImagesRequest;
use latchkey_providers::decode::Reply;
use latchkey_providers::encode::{EncodeError, WireRequest};
use latchkey_providers::images::{self, Call, Images, Reader};

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
    /// Generates images.
    pub async fn generate_images(
        &self,
        context: CallContext<'_>,
        message: &GenerateImagesRequest,
    ) -> Result<Accounted<Images>, RouterError> {
        let request = self.read(context, message)?;
        self.perform_accounted(request, &GenerateImages(message))
            .await
    }
}

pub(in crate::dispatch) struct GenerateImages<'a>(
    pub(in crate::dispatch) &'a GenerateImagesRequest,
);

impl Operation for GenerateImages<'_> {
    type Reading = Reader;
    type Answer = Accounted<Images>;
    const OPERATION: attempt::Operation = attempt::Operation::GenerateImages;
    const CAPABILITY: Capability = Capability::GenerateImages;
    const STREAMED: bool = false;

    fn size(&self) -> Option<Size> {
        Some(Size::of_images(self.0))
    }

    fn encode(&self, target: &EncodeTarget<'_>) -> Result<(WireRequest, Reader), EncodeError> {
        let exchange = images::request(&Call {
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
    ) -> Result<Accounted<Images>, FailedCall> {
        let read = |reader: &Reader, reply: &Reply<'_>| reader.read(reply);
        let (images, _, attempt) = dispatcher.call_whole(call, read).await?;
        let attempt = attempt.succeed(&ProviderReport {
            served_model: &images.model,
            usage: images.usage,
            service_tier: &images.service_tier,
            cost_nanos: images.cost_nanos,
        });
        Ok(Accounted::new(images, attempt))
    }
}
