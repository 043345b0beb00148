//! Pictures that models made. Google's models take them back; no other dialect has a place for them.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Message, Role};

use super::{EncodeError, EncodeErrorKind, part_field, refuse};
use crate::{Api, Dialect};

/// Refuses what would be left out otherwise.
pub(super) fn check(dialect: Dialect, messages: &[Message]) -> Result<(), EncodeError> {
    if dialect.api() == Api::GenerateContent {
        return Ok(());
    }
    for (m, message) in messages.iter().enumerate() {
        let is_picture = |content: &Option<Content>| matches!(content, Some(Content::Image(_)));
        let mut parts = message.parts.iter();
        if message.role() == Role::Assistant
            && let Some(p) = parts.position(|part| is_picture(&part.content))
        {
            return refuse(
                part_field(m, p, "image"),
                EncodeErrorKind::UnsupportedByProvider,
                "the provider takes no pictures that a model made",
            );
        }
    }
    Ok(())
}
