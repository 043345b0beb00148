//! OpenRouter's `reasoning_details`: reasoning in the form that an upstream requires back.
//!
//! A complete answer has all details in one list. A stream has them in pieces: pieces of the same
//! index and type form one detail. Its texts are concatenated; of its other members the last
//! piece's value counts. Members are not parsed, so numbers keep their digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::Text;

/// The details of a message.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// The list as received, while there is only one.
    whole: Option<Box<RawValue>>,
    entries: Vec<Entry>,
}

/// A detail that is joined from pieces.
#[derive(Debug)]
struct Entry {
    kind: String,
    index: Option<i64>,
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Member {
    /// A text to which pieces are appended.
    Growing(String),
    Raw(Box<RawValue>),
}

/// The members of a detail that are examined.
#[derive(Deserialize)]
struct DetailHead<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Text<'a>,
    index: Option<i64>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    summary: Option<Text<'a>>,
}

impl Details {
    /// Sets the list of a complete answer. False when it is not a list or is empty.
    pub(super) fn take(&mut self, list: &RawValue) -> bool {
        let any = read(list).is_some_and(|details| !details.is_empty());
        if any {
            self.whole = Some(list.to_owned());
        }
        any
    }

    /// Merges the list of a chunk. False when it is not a list or is empty.
    pub(super) fn join(&mut self, list: &RawValue) -> bool {
        let details = read(list).unwrap_or_default();
        for detail in &details {
            let Ok(head) = serde_json::from_str::<DetailHead<'_>>(detail.get()) else {
                continue;
            };
            let entry = self.entry(&head);
            let members: BTreeMap<String, &RawValue> =
                serde_json::from_str(detail.get()).unwrap_or_default();
            for (name, value) in members {
                entry.add(name, value);
            }
        }
        !details.is_empty()
    }

    /// The readable text of a list, for chunks that have it nowhere else.
    pub(super) fn text(list: &RawValue) -> String {
        let details = read(list).unwrap_or_default();
        let texts = details.iter().filter_map(|detail| {
            let head: DetailHead<'_> = serde_json::from_str(detail.get()).ok()?;
            head.text.or(head.summary)
        });
        texts.map(Text::into_owned).collect()
    }

    /// The list as it is sent back.
    pub(super) fn into_list(self) -> Vec<u8> {
        if let Some(whole) = self.whole {
            return whole.get().as_bytes().to_vec();
        }
        let entries: Vec<_> = self.entries.iter().map(|entry| &entry.members).collect();
        serde_json::to_vec(&entries).expect("text keys and raw JSON always serialise")
    }

    /// Finds or adds the detail that a piece belongs to. Without an index it is the last one, if
    /// that has the same type and is a text.
    fn entry(&mut self, head: &DetailHead<'_>) -> &mut Entry {
        let grows = TEXTS.contains(&&*head.kind);
        let known = match head.index {
            Some(_) => self
                .entries
                .iter()
                .rposition(|entry| entry.index == head.index && *entry.kind == *head.kind),
            None => self
                .entries
                .len()
                .checked_sub(1)
                .filter(|last| grows && *self.entries[*last].kind == *head.kind),
        };
        let place = known.unwrap_or_else(|| {
            self.entries.push(Entry {
                kind: (*head.kind).to_owned(),
                index: head.index,
                members: BTreeMap::new(),
            });
            self.entries.len() - 1
        });
        &mut self.entries[place]
    }
}

impl Entry {
    fn add(&mut self, name: String, value: &RawValue) {
        let text = CONCATENATED
            .contains(&name.as_str())
            .then(|| serde_json::from_str::<String>(value.get()).ok())
            .flatten();
        match (self.members.get_mut(&name), text) {
            (Some(Member::Growing(whole)), Some(more)) => whole.push_str(&more),
            (_, Some(text)) => {
                self.members.insert(name, Member::Growing(text));
            }
            // Null does not overwrite a known value.
            (Some(_), None) if value.get() == "null" => {}
            (_, None) => {
                self.members.insert(name, Member::Raw(value.to_owned()));
            }
        }
    }
}

/// The elements of a list. None when the value is not a list.
fn read(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// The types that are texts.
const TEXTS: [&str; 2] = ["reasoning.summary", "reasoning.text"];

/// The members that are concatenated.
const CONCATENATED: [&str; 5] = ["arguments", "data", "result", "summary", "text"];

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    fn joined(chunks: &[&str]) -> String {
        let mut details = Details::default();
        for chunk in chunks {
            details.join(&raw(chunk));
        }
        String::from_utf8(details.into_list()).unwrap()
    }

    #[test]
    fn a_complete_list_is_kept_byte_for_byte() {
        let list = r#"[ {"type": "reasoning.text","index":0,"x":12345678901234567890123}, {} ]"#;
        let mut details = Details::default();
        assert!(details.take(&raw(list)));
        assert_eq!(details.into_list(), list.as_bytes());
        for nothing in ["[]", "null", "{}", "7"] {
            assert!(!Details::default().take(&raw(nothing)), "{nothing}");
        }
    }

    #[test]
    fn pieces_of_one_index_and_type_make_one_detail() {
        let chunks = [
            r#"[{"type":"reasoning.text","text":"Let","format":"f","index":0,"signature":null}]"#,
            r#"[{"type":"reasoning.encrypted","data":"ab","id":"e","index":1}]"#,
            r#"[{"type":"reasoning.text","text":" me","index":0}]"#,
            r#"[{"type":"reasoning.summary","summary":"S","index":0}]"#,
            r#"[{"type":"reasoning.text","signature":"s1","index":0,"format":null}]"#,
            r#"[{"type":"reasoning.encrypted","data":"cd","index":1}]"#,
        ];
        assert_eq!(
            joined(&chunks),
            concat!(
                r#"[{"format":"f","index":0,"signature":"s1","text":"Let me","type":"reasoning.text"},"#,
                r#"{"data":"abcd","id":"e","index":1,"type":"reasoning.encrypted"},"#,
                r#"{"index":0,"summary":"S","type":"reasoning.summary"}]"#,
            )
        );
    }

    #[test]
    fn without_an_index_only_texts_are_joined() {
        let chunks = [
            r#"[{"type":"reasoning.text","text":"a"},{"type":"reasoning.text","text":"b"}]"#,
            r#"[{"type":"reasoning.encrypted","data":"1"}]"#,
            r#"[{"type":"reasoning.encrypted","data":"2"}]"#,
        ];
        assert_eq!(
            joined(&chunks),
            concat!(
                r#"[{"text":"ab","type":"reasoning.text"},"#,
                r#"{"data":"1","type":"reasoning.encrypted"},"#,
                r#"{"data":"2","type":"reasoning.encrypted"}]"#,
            )
        );
    }

    #[test]
    fn a_piece_other_than_an_object_is_skipped() {
        let chunks = ["7", "[7, null]", r#"[{"index":"x"}]"#];
        assert_eq!(joined(&chunks), "[]");
    }

    #[test]
    fn the_text_of_details_is_their_readable_part() {
        let list = raw(r#"[{"text":"a"},{"data":"x"},{"summary":"b"},7]"#);
        assert_eq!(Details::text(&list), "ab");
    }
}
