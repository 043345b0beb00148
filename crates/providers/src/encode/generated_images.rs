//! Images that a model generated. Google's models accept them back; no other dialect has a place
//! for them.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{Message, Role};

use super::{EncodeError, EncodeErrorKind, part_field, refuse};
use crate::{Api, Dialect};

/// Refuses generated images that the dialect cannot carry.
pub(super) fn check(dialect: Dialect, messages: &[Message]) -> Result<(), EncodeError> {
    if dialect.api() == Api::GenerateContent {
        return Ok(());
    }
    for (m, message) in messages.iter().enumerate() {
        let is_image = |content: &Option<Content>| matches!(content, Some(Content::Image(_)));
        let mut parts = message.parts.iter();
        if message.role() == Role::Assistant
            && let Some(p) = parts.position(|part| is_image(&part.content))
        {
            return refuse(
                part_field(m, p, "image"),
                EncodeErrorKind::UnsupportedByProvider,
                "the provider does not accept images that a model generated",
            );
        }
    }
    Ok(())
}
