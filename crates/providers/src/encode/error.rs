//! Why a request cannot be put in a provider's words.

use std::borrow::Cow;

/// A request that a provider or a model would not take, found before it was sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct EncodeError {
    /// The field at fault, as a path: `messages[2].parts[0].image`.
    pub field: Cow<'static, str>,
    /// What kind of fault.
    pub kind: EncodeErrorKind,
    /// What is wrong, for people.
    pub message: Cow<'static, str>,
}

/// Whether anybody could serve the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EncodeErrorKind {
    /// It breaks the contract; no provider could.
    Invalid,
    /// This provider or model cannot; another might.
    UnsupportedByProvider,
}

/// Refuses a field.
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

/// The path of a part, or of a field within it.
pub(crate) fn part_field(message: usize, part: usize, field: &str) -> String {
    let mut path = format!("messages[{message}].parts[{part}]");
    if !field.is_empty() {
        path.push('.');
        path.push_str(field);
    }
    path
}
