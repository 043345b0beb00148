//! What the request messages of all operations have in common.

use std::borrow::Cow;

use latchkey_contract::router::v1;
use latchkey_contract::router::v1::{EmbedRequest, GenerateImagesRequest, GenerateRequest};

use super::Dispatcher;
use super::conditions::Conditions;
use super::operations::EncodeTarget;
use super::plan;
use super::request::{CallContext, DispatchRequest};
use crate::domain::target_fields::TargetFields;
use crate::error::RouterError;

/// A request message.
pub(super) trait RequestMessage: Clone {
    /// The fields that name a model.
    fn target_fields(&self) -> TargetFields<'_>;

    /// The origin of the request.
    fn origin(&self) -> v1::Origin;

    /// The fields `funding` and `expectations`.
    fn conditions(&self) -> Result<Conditions, RouterError>;

    /// Whether the request has `provider_options`: fields of a provider's own interface.
    fn has_options(&self) -> bool;

    /// The same request without `provider_options`.
    fn without_options(&self) -> Self;
}

macro_rules! request_message {
    ($($message:ident),+) => {$(
        impl RequestMessage for $message {
            fn target_fields(&self) -> TargetFields<'_> {
                TargetFields {
                    provider: &self.provider,
                    model: &self.model,
                    key: &self.key,
                }
            }

            fn origin(&self) -> v1::Origin {
                $message::origin(self)
            }

            fn conditions(&self) -> Result<Conditions, RouterError> {
                Conditions::read(self.funding.as_ref(), self.expectations.as_ref())
            }

            fn has_options(&self) -> bool {
                self.provider_options.is_some()
            }

            fn without_options(&self) -> Self {
                Self {
                    provider_options: None,
                    ..self.clone()
                }
            }
        }
    )+};
}

request_message!(EmbedRequest, GenerateImagesRequest, GenerateRequest);

impl Dispatcher {
    /// Reads a request. It has no fallbacks yet.
    pub(super) fn read<'a>(
        &self,
        context: CallContext<'a>,
        message: &impl RequestMessage,
    ) -> Result<DispatchRequest<'a>, RouterError> {
        let catalogue = self.catalogue.current();
        let target = plan::target(message.target_fields(), &catalogue, str::to_owned)?;
        let (origin, conditions) = (message.origin(), message.conditions()?);
        Ok(DispatchRequest::new(context, target, origin, conditions))
    }
}

impl EncodeTarget<'_> {
    /// The request as this provider may receive it: `provider_options` are for the provider that the
    /// request was made for, and for no fallback.
    pub(super) fn view_of<'a, M: RequestMessage>(&self, message: &'a M) -> Cow<'a, M> {
        if self.first_choice || !message.has_options() {
            Cow::Borrowed(message)
        } else {
            Cow::Owned(message.without_options())
        }
    }
}
