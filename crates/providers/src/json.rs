//! Tolerant JSON types: text that is borrowed if possible, raw values that keep every digit, and
//! scalars that may have another type than documented.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Checks that a text is a JSON object and returns it unchanged.
pub(crate) fn object(text: &str) -> Option<&RawValue> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    raw.get().starts_with('{').then_some(raw)
}

/// Text that is borrowed from its document unless it has escapes. Numbers and booleans are
/// converted to text; null, lists and objects become None: a field of an unexpected type must not
/// fail an answer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cow::Borrowed(""))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cow::Borrowed(""))
    }
}

/// A token count between 0 and `i64::MAX`. Null is zero.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Count(i64);

impl Count {
    pub(crate) fn get(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor).map(Self)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of tokens")
    }

    fn visit_u64<E>(self, value: u64) -> Result<i64, E> {
        Ok(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_i64<E>(self, value: i64) -> Result<i64, E> {
        Ok(value.max(0))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
        // Some servers write integers as 12.0. `as` saturates, and converts NaN to zero.
        #[expect(clippy::cast_possible_truncation, reason = "token counts are whole")]
        Ok((value as i64).max(0))
    }

    fn visit_unit<E>(self) -> Result<i64, E> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_escaped() {
        let plain: Text<'_> = serde_json::from_str(r#""plain""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("plain")));
        let escaped: Text<'_> = serde_json::from_str(r#""a\nb""#).unwrap();
        assert_eq!(&*escaped, "a\nb");
    }

    #[test]
    fn text_of_another_type_does_not_fail() {
        for (json, text) in [
            ("401", "401"),
            ("true", "true"),
            ("null", ""),
            ("[1]", ""),
            (r#"{"a":1}"#, ""),
        ] {
            assert_eq!(&*serde_json::from_str::<Text<'_>>(json).unwrap(), text);
        }
    }

    #[test]
    fn an_object_keeps_its_digits_and_spaces() {
        let raw = object(r#" {"id": 12345678901234567890123, "x":1.0} "#).unwrap();
        assert_eq!(raw.get(), r#"{"id": 12345678901234567890123, "x":1.0}"#);
        for other in ["[]", "1", "", "{", r#"{"a":}"#, "{} {}"] {
            assert!(object(other).is_none(), "{other}");
        }
    }

    #[test]
    fn counts_are_never_negative() {
        for (json, count) in [
            ("7", 7),
            ("-7", 0),
            ("7.0", 7),
            ("null", 0),
            ("1e30", i64::MAX),
        ] {
            assert_eq!(serde_json::from_str::<Count>(json).unwrap().get(), count);
        }
    }
}
