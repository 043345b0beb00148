//! Contract rules for embedding requests.

use std::borrow::Cow;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::router::v1::embed_request::Purpose;

use super::Call;
use crate::encode::{EncodeError, EncodeErrorKind, check_model, refuse};

/// Checks the rules that do not depend on the provider.
pub(super) fn check(call: &Call<'_>) -> Result<(), EncodeError> {
    check_model(call.model)?;
    let inputs = &call.request.inputs;
    if inputs.is_empty() {
        return invalid("inputs", "is required");
    }
    if inputs.len() > MAX_INPUTS {
        return invalid("inputs", "must have at most 2,048 texts");
    }
    if let Some(empty) = inputs.iter().position(String::is_empty) {
        return invalid(format!("inputs[{empty}]"), "is empty");
    }
    if call.request.dimensions.is_some_and(|length| length < 1) {
        return invalid("dimensions", "must be at least 1");
    }
    purpose(call.request).map(drop)
}

/// Returns Google's name of the purpose. None for the default.
pub(super) fn task_type(call: &Call<'_>) -> Result<Option<&'static str>, EncodeError> {
    let purpose = match purpose(call.request)? {
        Purpose::Unspecified => return Ok(None),
        purpose => purpose,
    };
    match call.target.provider {
        // By Google's documentation, second-generation models expect the purpose in the text
        // itself.
        ProviderId::Google | ProviderId::Vertex if call.model.starts_with("gemini-embedding-2") => {
            unsupported("is not supported by the model, which expects the purpose in the text")
        }
        ProviderId::Google | ProviderId::Vertex => {
            Ok(purpose.as_str_name().strip_prefix("PURPOSE_"))
        }
        _ => unsupported("is supported by Google's models only"),
    }
}

fn purpose(request: &EmbedRequest) -> Result<Purpose, EncodeError> {
    match Purpose::try_from(request.purpose) {
        Ok(purpose) => Ok(purpose),
        Err(_) => invalid("purpose", "is not a known purpose"),
    }
}

fn unsupported<T>(message: &'static str) -> Result<T, EncodeError> {
    refuse("purpose", EncodeErrorKind::UnsupportedByProvider, message)
}

fn invalid<T>(
    field: impl Into<Cow<'static, str>>,
    message: &'static str,
) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::Invalid, message)
}

/// The limit of OpenAI and of the contract.
const MAX_INPUTS: usize = 2048;
