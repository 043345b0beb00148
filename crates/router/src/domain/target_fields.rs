//! The fields of a message that select a key, a provider and a model.

/// The fields, each possibly empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct TargetFields<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// The key.
    pub key: &'a str,
}

/// A field that can't be parsed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidField {
    /// The name of the field.
    pub field: &'static str,
    /// The predicate of the text, such as `must be …`.
    pub problem: String,
}
