//! OpenRouter's `reasoning_details`: what an upstream wants back of its reasoning.
//!
//! A whole answer has them in one list. A stream has them in pieces: those of one index and type make
//! one detail, whose texts grow and whose other members the last piece decides. Nothing else is read
//! of them, so numbers keep their digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::Text;

/// The details of one message.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// As it came, while it is one list.
    whole: Option<Box<RawValue>>,
    entries: Vec<Entry>,
}

/// A detail that came in pieces.
#[derive(Debug)]
struct Entry {
    kind: String,
    index: Option<i64>,
    members: BTreeMap<String, Member>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Member {
    /// More of it may come.
    Growing(String),
    Raw(Box<RawValue>),
}

/// What is looked at in a detail.
#[derive(Deserialize)]
struct Seen<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Text<'a>,
    index: Option<i64>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    summary: Option<Text<'a>>,
}

impl Details {
    /// Takes the list of a whole answer. False when it is no list or has nothing in it.
    pub(super) fn take(&mut self, list: &RawValue) -> bool {
        let any = read(list).is_some_and(|details| !details.is_empty());
        if any {
            self.whole = Some(list.to_owned());
        }
        any
    }

    /// Joins the list of a chunk to what came before. False when there is nothing in it.
    pub(super) fn join(&mut self, list: &RawValue) -> bool {
        let details = read(list).unwrap_or_default();
        for detail in &details {
            let Ok(seen) = serde_json::from_str::<Seen<'_>>(detail.get()) else {
                continue;
            };
            let entry = self.entry(&seen);
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
        let seen = details.iter().filter_map(|detail| {
            let seen: Seen<'_> = serde_json::from_str(detail.get()).ok()?;
            seen.text.or(seen.summary)
        });
        seen.map(Text::into_owned).collect()
    }

    /// The list as it goes back.
    pub(super) fn into_list(self) -> Vec<u8> {
        if let Some(whole) = self.whole {
            return whole.get().as_bytes().to_vec();
        }
        let entries: Vec<_> = self.entries.iter().map(|entry| &entry.members).collect();
        serde_json::to_vec(&entries).expect("text keys and raw JSON always serialise")
    }

    /// The detail that a piece belongs to. Without an index it is the last one, if that is of the
    /// same type and a text.
    fn entry(&mut self, seen: &Seen<'_>) -> &mut Entry {
        let grows = TEXTS.contains(&&*seen.kind);
        let known = match seen.index {
            Some(_) => self
                .entries
                .iter()
                .rposition(|entry| entry.index == seen.index && *entry.kind == *seen.kind),
            None => self
                .entries
                .len()
                .checked_sub(1)
                .filter(|last| grows && *self.entries[*last].kind == *seen.kind),
        };
        let place = known.unwrap_or_else(|| {
            self.entries.push(Entry {
                kind: (*seen.kind).to_owned(),
                index: seen.index,
                members: BTreeMap::new(),
            });
            self.entries.len() - 1
        });
        &mut self.entries[place]
    }
}

impl Entry {
    fn add(&mut self, name: String, value: &RawValue) {
        let text = GROWING
            .contains(&name.as_str())
            .then(|| serde_json::from_str::<String>(value.get()).ok())
            .flatten();
        match (self.members.get_mut(&name), text) {
            (Some(Member::Growing(whole)), Some(more)) => whole.push_str(&more),
            (_, Some(text)) => {
                self.members.insert(name, Member::Growing(text));
            }
            // Null says nothing about what is known already.
            (Some(_), None) if value.get() == "null" => {}
            (_, None) => {
                self.members.insert(name, Member::Raw(value.to_owned()));
            }
        }
    }
}

/// The elements of a list; none when it is no list.
fn read(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// Types that are texts.
const TEXTS: [&str; 2] = ["reasoning.summary", "reasoning.text"];

/// Members that come in pieces.
const GROWING: [&str; 5] = ["arguments", "data", "result", "summary", "text"];

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
    fn a_whole_list_is_kept_to_the_byte() {
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
    fn without_an_index_only_text_goes_on() {
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
    fn a_piece_that_is_no_object_is_passed_over() {
        let chunks = ["7", "[7, null]", r#"[{"index":"x"}]"#];
        assert_eq!(joined(&chunks), "[]");
    }

    #[test]
    fn words_are_those_that_can_be_read() {
        let list = raw(r#"[{"text":"a"},{"data":"x"},{"summary":"b"},7]"#);
        assert_eq!(Details::text(&list), "ab");
    }
}
