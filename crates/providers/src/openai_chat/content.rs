//! The content of a message: text at OpenAI, a list of parts at some compatible servers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::json::Text;

/// Text that is borrowed from its document unless it has escapes or comes in parts.
pub(super) struct TextContent<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for TextContent<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextContentVisitor).map(Self)
    }
}

struct TextContentVisitor;

impl<'de> Visitor<'de> for TextContentVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole = String::new();
        while let Some(part) = parts.next_element::<TextPart<'de>>()? {
            whole.push_str(&part.text.unwrap_or_default());
        }
        Ok(Cow::Owned(whole))
    }
}

#[derive(serde::Deserialize)]
struct TextPart<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_other_kinds_left_out() {
        let json = r#"[{"type":"thinking","thinking":[]},{"type":"text","text":"a"},{"text":"b"}]"#;
        let content: TextContent<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(content.0, "ab");
    }

    #[test]
    fn null_content_is_empty() {
        let content: TextContent<'_> = serde_json::from_str("null").unwrap();
        assert_eq!(content.0, "");
    }
}
