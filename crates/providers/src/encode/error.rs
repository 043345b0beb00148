//! Errors of encoding a request for a provider.

use std::borrow::Cow;

/// A request that a provider or model does not accept. It is found before anything is sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct EncodeError {
    /// The path of the field, such as `messages[2].parts[0].image`.
    pub field: Cow<'static, str>,
    /// Whether another provider could serve the request.
    pub kind: EncodeErrorKind,
    /// What is wrong with the field. Reads as a sentence after the field's path.
    pub message: Cow<'static, str>,
}

/// Whether another provider could serve a refused request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EncodeErrorKind {
    /// The field breaks the contract. No provider can serve the request.
    Invalid,
    /// This provider or model does not support the field. Another may.
    UnsupportedByProvider,
}

/// Returns an error for the field.
pub(crate) fn refuse<T>(
    field: impl Into<Cow<'static, str>>,
    kind: EncodeErrorKind,
    message: impl Into<Cow<'static, str>>,
) -> Result<T, EncodeError> {
    Err(EncodeError {
        field: field.into(),
        kind,
        message: message.into(),
    })
}

/// The path of a part, or of `field` within it.
pub(crate) fn part_field(message: usize, part: usize, field: &str) -> String {
    let mut path = format!("messages[{message}].parts[{part}]");
    if !field.is_empty() {
        path.push('.');
        path.push_str(field);
    }
    path
}
