//! A vector on the wire: numbers, or their bytes in base64.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// A vector of at least one number, all of them finite.
#[derive(Debug)]
pub(super) struct Vector(Vec<f32>);

impl Vector {
    pub(super) fn into_numbers(self) -> Vec<f32> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = deserializer.deserialize_any(Numbers)?;
        if numbers.is_empty() || !numbers.iter().all(|number| number.is_finite()) {
            return Err(D::Error::custom("no vector"));
        }
        Ok(Self(numbers))
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = Vec<f32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, or base64 of 32-bit floats")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// OpenAI encodes little-endian floats (IEEE 754, binary32) as base64.
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let invalid = || E::invalid_value(Unexpected::Other("text"), &self);
        let bytes = STANDARD.decode(text).map_err(|_| invalid())?;
        match bytes.as_chunks() {
            (floats, []) => Ok(floats.iter().copied().map(f32::from_le_bytes).collect()),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(json: &str) -> Option<Vec<f32>> {
        serde_json::from_str(json).ok().map(Vector::into_numbers)
    }

    #[test]
    fn numbers_and_their_base64_are_the_same_vector() {
        assert_eq!(numbers("[1, -2.5e0]"), Some(vec![1.0, -2.5]));
        assert_eq!(numbers(r#""AACAPwAAIMA=""#), Some(vec![1.0, -2.5]));
    }

    #[test]
    fn other_values_are_refused_as_a_vector() {
        for json in [
            "[]",
            r#""""#,
            r#""AACAPw""#,     // without padding
            r#""AACAPwAA""#,   // six bytes
            r#""AACAPw==\n""#, // with a line break
            r#""AADAfw==""#,   // not a number
            r#""AACAfw==""#,   // infinite
            "[1e39]",          // infinite as well, in 32 bits
            "[1, null]",
            r#"[1, "2"]"#,
            "[[1]]",
            "1",
            "null",
            r#"{"values":[1]}"#,
        ] {
            assert_eq!(numbers(json), None, "{json}");
        }
    }
}
