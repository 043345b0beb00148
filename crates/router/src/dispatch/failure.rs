//! What a provider's failure means for the caller and for the key.

use latchkey_providers::{ErrorClass, ProviderError};

use crate::error::RouterError;
use crate::keys::{Keys, Loan, provider_refusal};
use crate::upstream::{BodyError, UpstreamError};

/// Has a key set aside that the provider does not know any more.
pub(super) fn report(keys: &Keys, loan: &Loan, error: &ProviderError) {
    if error.class == ErrorClass::Revoked {
        keys.report(loan, provider_refusal(error));
    }
}

impl From<UpstreamError> for RouterError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Connect => Self::Unreachable("no connection could be made"),
            UpstreamError::Broken => Self::Unreachable("the connection broke"),
            UpstreamError::Timeout => timeout(),
        }
    }
}

impl From<BodyError> for RouterError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken => Self::Unreachable("the answer broke off"),
            BodyError::TooLarge => Self::Unreachable("the answer is too large"),
            BodyError::Timeout => timeout(),
        }
    }
}

fn timeout() -> RouterError {
    failed(ErrorClass::Timeout, "it did not answer in time").into()
}

/// A failure that the provider itself said nothing of.
pub(super) fn failed(class: ErrorClass, words: &str) -> ProviderError {
    ProviderError {
        class,
        http_status: None,
        code: None,
        message: words.to_owned(),
        retry_after: None,
        request_id: None,
    }
}
