//! DeepSeek's errors, where they differ from OpenAI's. Some differ by their message only.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, openai};

/// Classifies by DeepSeek's messages, then as for OpenAI.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    if body.message.contains(UNKNOWN_MODEL) {
        ErrorClass::ModelUnavailable
    } else if body.message.contains(NO_CREDIT) {
        ErrorClass::NoCredit
    } else {
        openai::class(status, body)
    }
}

/// The message of a 400 with a general type.
const UNKNOWN_MODEL: &str = "Model Not Exist";

/// The message of a 402, and of errors in a stream, which have no status.
const NO_CREDIT: &str = "Insufficient Balance";
