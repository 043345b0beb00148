//! Contract rules for image requests.

use super::Call;
use crate::encode::{EncodeError, EncodeErrorKind, check_model, refuse};

/// Checks the rules that do not depend on the provider.
pub(super) fn check(call: &Call<'_>) -> Result<(), EncodeError> {
    check_model(call.model)?;
    let request = call.request;
    if request.prompt.is_empty() {
        return invalid("prompt", "is required");
    }
    if !(0..=MAX_COUNT).contains(&request.count) {
        return invalid("count", "must be between 0 and 10");
    }
    let mime_type = &request.mime_type;
    if !mime_type.is_empty() && !is_image_type(mime_type) {
        return invalid("mime_type", "must be the MIME type of an image");
    }
    Ok(())
}

/// Refuses a field that is set although the provider does not support it.
pub(super) fn refuse_if_set(field: &'static str, value: &str) -> Result<(), EncodeError> {
    if value.is_empty() {
        return Ok(());
    }
    unsupported(field, "is not supported by the provider")
}

pub(super) fn unsupported<T>(field: &'static str, message: &'static str) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::UnsupportedByProvider, message)
}

/// Whether a MIME type is `image/` and a name (RFC 6838, 4.2), in any case.
fn is_image_type(mime_type: &str) -> bool {
    let Some((kind, name)) = mime_type.split_once('/') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    kind.eq_ignore_ascii_case("image") && !name.is_empty() && name.bytes().all(allowed)
}

fn invalid<T>(field: &'static str, message: &'static str) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::Invalid, message)
}

const MAX_COUNT: i32 = 10;
