//! Fast escaping of long texts. Prompts make up most of a body, so escaping them is most of the
//! cost of encoding.
//!
//! `serde_json` examines one byte at a time; this module examines eight. It uses the point where a
//! `serde_json` formatter decides how bytes are written: [`LongText`] serialises as bytes, and
//! [`TextFormatter`] writes bytes as text.

use std::io::{Result, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

/// A text that may be long. Only [`TextFormatter`] writes it as a string.
#[derive(Clone, Copy)]
pub(crate) struct LongText<'a>(pub(crate) &'a str);

impl Serialize for LongText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

/// Writes compact JSON in which byte strings are texts. All byte strings of a body are UTF-8.
pub(super) struct TextFormatter;

impl Formatter for TextFormatter {
    fn write_byte_array<W: ?Sized + Write>(&mut self, writer: &mut W, text: &[u8]) -> Result<()> {
        writer.write_all(b"\"")?;
        write_escaped(writer, text)?;
        writer.write_all(b"\"")
    }
}

fn write_escaped<W: ?Sized + Write>(writer: &mut W, mut text: &[u8]) -> Result<()> {
    while let Some(place) = first_special(text) {
        let (plain, rest) = text.split_at(place);
        writer.write_all(plain)?;
        let special = rest[0];
        text = &rest[1..];
        match special {
            b'"' => writer.write_all(br#"\""#)?,
            b'\\' => writer.write_all(br"\\")?,
            b'\n' => writer.write_all(br"\n")?,
            b'\r' => writer.write_all(br"\r")?,
            b'\t' => writer.write_all(br"\t")?,
            control => write!(writer, "\\u{control:04x}")?,
        }
    }
    writer.write_all(text)
}

/// The index of the first byte that JSON requires to be escaped (RFC 8259, 7): a quotation mark, a
/// backslash, or a control character.
fn first_special(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            // The lowest byte is the first.
            return Some(place * 8 + special.trailing_zeros() as usize / 8);
        }
    }
    let place = tail
        .iter()
        .position(|byte| matches!(byte, ..0x20 | b'"' | b'\\'))?;
    Some(text.len() - tail.len() + place)
}

/// Sets the top bit of each special byte. Borrows may also set it in bytes above a special one, so
/// only the lowest set bit is reliable (H. S. Warren, Hacker's Delight, 6-1).
fn special_bytes(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let zeros = |word: u64| word.wrapping_sub(all(1)) & !word;
    let controls = word.wrapping_sub(all(0x20)) & !word;
    (controls | zeros(word ^ all(b'"')) | zeros(word ^ all(b'\\'))) & all(0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, TextFormatter);
        LongText(text).serialize(&mut serializer).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_character_below_u0100_survives_in_every_place() {
        for special in '\0'..'\u{100}' {
            for before in 0..17 {
                let text = format!("{}{special}{special}é", "x".repeat(before));
                let read: String = serde_json::from_str(&written(&text)).unwrap();
                assert_eq!(read, text);
            }
        }
    }

    proptest! {
        #[test]
        fn text_is_written_as_serde_json_writes_it(text in "(?s)[\"\\\\\n\r\t -~é😀\u{2028}]{0,120}") {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            let read: String = serde_json::from_str(&written(&text)).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
