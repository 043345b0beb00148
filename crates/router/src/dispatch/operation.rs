//! What is asked of a provider.

use std::future::Future;

use latchkey_contract::vault::v1::Capability;
use latchkey_providers::Target;
use latchkey_providers::catalogue::ModelTraits;
use latchkey_providers::encode::{EncodeError, WireRequest};

use super::Dispatcher;
use super::estimate::Size;
use super::prepared::PreparedCall;
use crate::domain::attempt::{self, Attempt};
use crate::error::RouterError;

/// What is asked of a provider, and how its answer is read.
pub(super) trait Operation: Sync {
    /// What reading the answer takes.
    type Reading: Send;
    /// The answer.
    type Answer: Send;
    /// What it is called in the account.
    const OPERATION: attempt::Operation;
    /// What the vault is told.
    const CAPABILITY: Capability;
    /// Whether the answer is streamed.
    const STREAMED: bool;

    /// What its cost depends on; none where no provider charges for it.
    fn size(&self) -> Option<Size>;

    /// Writes the request.
    fn encode(
        &self,
        encode_target: &EncodeTarget<'_>,
    ) -> Result<(WireRequest, Self::Reading), EncodeError>;

    /// Whether what was written may be sent.
    fn check(&self, _: &Self::Reading) -> Result<(), RouterError> {
        Ok(())
    }

    /// Makes the call. Its attempt is settled when this fails.
    fn perform(
        &self,
        dispatcher: &Dispatcher,
        ready: PreparedCall<Self::Reading>,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;
}

/// What a request is written for.
pub(super) struct EncodeTarget<'a> {
    pub(super) target: Target<'a>,
    /// As the provider names it.
    pub(super) model: &'a str,
    pub(super) traits: &'a ModelTraits,
    /// Whether it is the provider that the request was made for, and not a fallback's.
    pub(super) first_choice: bool,
}

/// A call that failed, and its account.
pub(super) struct Failed {
    pub(super) error: RouterError,
    pub(super) attempt: Option<Attempt>,
}

impl From<RouterError> for Failed {
    fn from(error: RouterError) -> Self {
        Self {
            error,
            attempt: None,
        }
    }
}
