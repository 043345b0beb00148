//! The rules of the contract for requests for vectors.

use std::borrow::Cow;

use latchkey_contract::ProviderId;
use latchkey_contract::router::v1::EmbedRequest;
use latchkey_contract::router::v1::embed_request::Purpose;

use super::Call;
use crate::encode::{EncodeError, EncodeErrorKind, check_model, refuse};

/// Checks what holds for every provider.
pub(super) fn check(call: &Call<'_>) -> Result<(), EncodeError> {
    check_model(call.model)?;
    let inputs = &call.request.inputs;
    if inputs.is_empty() {
        return invalid("inputs", "is required");
    }
    if inputs.len() > MAX_INPUTS {
        return invalid("inputs", "has more than 2,048 texts");
    }
    if let Some(empty) = inputs.iter().position(String::is_empty) {
        return invalid(format!("inputs[{empty}]"), "is empty");
    }
    if call.request.dimensions.is_some_and(|length| length < 1) {
        return invalid("dimensions", "must be at least 1");
    }
    purpose(call.request).map(drop)
}

/// What the vectors are for, as Google spells it; none for the default.
pub(super) fn task_type(call: &Call<'_>) -> Result<Option<&'static str>, EncodeError> {
    let purpose = match purpose(call.request)? {
        Purpose::Unspecified => return Ok(None),
        purpose => purpose,
    };
    match call.target.provider {
        // Google's documentation: the second generation is told in the text itself.
        ProviderId::Google | ProviderId::Vertex if call.model.starts_with("gemini-embedding-2") => {
            unsupported("is something this model is told within the text")
        }
        ProviderId::Google | ProviderId::Vertex => {
            Ok(purpose.as_str_name().strip_prefix("PURPOSE_"))
        }
        _ => unsupported("is something only Google's models are told"),
    }
}

fn purpose(request: &EmbedRequest) -> Result<Purpose, EncodeError> {
    match Purpose::try_from(request.purpose) {
        Ok(purpose) => Ok(purpose),
        Err(_) => invalid("purpose", "is not known"),
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

/// OpenAI's limit, and the contract's.
const MAX_INPUTS: usize = 2048;
