//! What sets DeepSeek's errors apart from OpenAI's: some say what they are in words alone.

use http::StatusCode;

use super::body::ErrorBody;
use super::{ErrorClass, openai};

/// What an error means: by DeepSeek's words, else as OpenAI's.
pub(super) fn class(status: Option<StatusCode>, body: &ErrorBody) -> ErrorClass {
    if body.message.contains(UNKNOWN_MODEL) {
        ErrorClass::ModelUnavailable
    } else if body.message.contains(NO_CREDIT) {
        ErrorClass::NoCredit
    } else {
        openai::class(status, body)
    }
}

/// Of a 400 of the most general type.
const UNKNOWN_MODEL: &str = "Model Not Exist";

/// Of a 402, and of errors in a stream, which have no status.
const NO_CREDIT: &str = "Insufficient Balance";
