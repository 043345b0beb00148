//! The operations: each encodes a request for a provider, and reads the answer.

mod compare;
mod count_tokens;
mod embed;
mod generate;
mod images;
mod stream;

use std::future::Future;

use latchkey_providers::Target;
use latchkey_providers::catalogue::ModelTraits;
use latchkey_providers::encode::{EncodeError, WireRequest};

pub use compare::{Compared, ComparedStream};
pub(super) use embed::Embed;
pub use generate::Answered;
pub(super) use generate::Generate;
pub(super) use images::GenerateImages;
pub use stream::{AnswerStream, Piece};

use super::Dispatcher;
use super::cost::Size;
use super::prepared::PreparedCall;
use crate::domain::attempt::{self, Attempt};
use crate::domain::capability::Capability;
use crate::error::RouterError;

/// One kind of request to a provider.
pub(super) trait Operation: Sync {
    /// What decoding the answer needs.
    type Reading: Send;
    /// The answer.
    type Answer: Send;
    /// The operation in the account.
    const OPERATION: attempt::Operation;
    /// What the key is needed for.
    const CAPABILITY: Capability;
    /// Whether the answer is streamed.
    const STREAMED: bool;

    /// What the cost depends on; none where no provider charges for the operation.
    fn size(&self) -> Option<Size>;

    /// Encodes the request.
    fn encode(
        &self,
        target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Self::Reading), EncodeError>;

    /// Whether the encoded request may be sent.
    fn check(&self, _: &Self::Reading) -> Result<(), RouterError> {
        Ok(())
    }

    /// Makes the call. When this fails, the attempt is settled.
    fn perform(
        &self,
        dispatcher: &Dispatcher,
        call: PreparedCall<Self::Reading>,
    ) -> impl Future<Output = Result<Self::Answer, FailedCall>> + Send;
}

/// The provider and model that a request is encoded for.
pub(super) struct EncodeTarget<'a> {
    pub(super) target: Target<'a>,
    /// The provider's name for the model.
    pub(super) model: &'a str,
    pub(super) traits: &'a ModelTraits,
    /// Whether the request was made for this provider, and not a fallback to it.
    pub(super) first_choice: bool,
}

/// A call that failed, and its attempt, where one was recorded.
pub(super) struct FailedCall {
    pub(super) error: RouterError,
    pub(super) attempt: Option<Attempt>,
}

impl From<RouterError> for FailedCall {
    fn from(error: RouterError) -> Self {
        Self {
            error,
            attempt: None,
        }
    }
}
