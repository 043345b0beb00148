//! The checks of every secret that people copy and paste: it is one word of ASCII.

/// The reason for which a text can't be a secret. The text tells the owner what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TextError {
    /// A control character or one outside ASCII.
    #[error("holds a character that no key has: copy it alone, without its surroundings")]
    Character,
    /// Longer than any secret.
    #[error("is longer than 4,096 characters")]
    Long,
    /// Quotes around it.
    #[error("has quotes around it: remove them")]
    Quoted,
    /// Shorter than any secret.
    #[error("is shorter than 8 characters")]
    Short,
    /// White space inside or around it, or a scheme before it.
    #[error("holds white space: copy it alone, without `Bearer` and line breaks")]
    WhiteSpace,
}

const MIN_LENGTH: usize = 8;
pub(super) const MAX_LENGTH: usize = 4_096;
const MIN_LENGTH_WITH_TAIL: usize = 24;
const TAIL: usize = 4;

pub(super) fn check(text: &[u8]) -> Result<(), TextError> {
    if text.iter().any(u8::is_ascii_whitespace) {
        return Err(TextError::WhiteSpace);
    }
    if text.len() < MIN_LENGTH {
        return Err(TextError::Short);
    }
    if text.len() > MAX_LENGTH {
        return Err(TextError::Long);
    }
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err(TextError::Character);
    }
    if text.starts_with(b"\"") || text.starts_with(b"'") {
        return Err(TextError::Quoted);
    }
    Ok(())
}

/// The last four characters of an ASCII text; nothing of a short one.
pub(super) fn tail(text: &str) -> String {
    if text.len() < MIN_LENGTH_WITH_TAIL {
        return String::new();
    }
    text.get(text.len() - TAIL..).unwrap_or_default().to_owned()
}
