//! `provider_options`: fields of the provider's own request, which are added to the top level of
//! the body.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{EncodeError, EncodeErrorKind, refuse};

/// Which options may be added to a body.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules<'a> {
    /// Options that are refused, because they change how the answer must be read.
    pub(super) reserved: &'a [&'a str],
    /// Options that the body already includes.
    pub(super) merged: &'a [&'a str],
    /// The options that this endpoint knows, if it is not the generation endpoint. Others are left
    /// out. None means all.
    pub(super) known: Option<&'a [&'a str]>,
}

impl Rules<'_> {
    fn adds(&self, name: &str) -> bool {
        !self.merged.contains(&name) && self.known.is_none_or(|known| known.contains(&name))
    }
}

/// Adds the options to a body that is a JSON object. Refuses options that the body already sets and
/// options that are reserved.
pub(super) fn append(
    body: &mut Vec<u8>,
    options: &Struct,
    rules: Rules<'_>,
) -> Result<(), EncodeError> {
    if options.fields.is_empty() {
        return Ok(());
    }
    let taken = top_level_names(body);
    for (name, value) in &options.fields {
        let set = taken.contains(name.as_str()) && !rules.merged.contains(&name.as_str());
        if set || rules.reserved.contains(&name.as_str()) {
            return refuse(
                format!("provider_options.{name}"),
                EncodeErrorKind::Invalid,
                "is already set by other fields of the request",
            );
        }
        if !is_json(value) {
            return refuse(
                format!("provider_options.{name}"),
                EncodeErrorKind::Invalid,
                "has a number that JSON cannot represent",
            );
        }
    }
    let added: BTreeMap<_, _> = options
        .fields
        .iter()
        .filter(|(name, _)| rules.adds(name))
        .map(|(name, value)| (name, OptionValue(value)))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    // Splices the members in before the closing brace of the body.
    let members =
        serde_json::to_vec(&added).expect("text keys and finite numbers always serialise");
    body.pop();
    body.push(b',');
    body.extend_from_slice(&members[1..]);
    Ok(())
}

/// The names of the top-level members of a JSON object.
fn top_level_names(body: &[u8]) -> BTreeSet<String> {
    serde_json::Deserializer::from_slice(body)
        .deserialize_map(Names)
        .expect("the body is our own and an object")
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, _)) = object.next_entry::<String, IgnoredAny>()? {
            names.insert(name);
        }
        Ok(names)
    }
}

fn is_json(value: &Value) -> bool {
    match &value.kind {
        Some(Kind::NumberValue(number)) => number.is_finite(),
        Some(Kind::ListValue(list)) => list.values.iter().all(is_json),
        Some(Kind::StructValue(object)) => object.fields.values().all(is_json),
        _ => true,
    }
}

/// A `google.protobuf.Value` that serialises as the JSON value it stands for.
pub(crate) struct OptionValue<'a>(pub(crate) &'a Value);

impl Serialize for OptionValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::NumberValue(number)) => match as_integer(*number) {
                Some(integer) => serializer.serialize_i64(integer),
                None => serializer.serialize_f64(*number),
            },
            Some(Kind::StringValue(text)) => serializer.serialize_str(text),
            Some(Kind::ListValue(list)) => {
                serializer.collect_seq(list.values.iter().map(OptionValue))
            }
            Some(Kind::StructValue(object)) => {
                let members = object.fields.iter();
                serializer.collect_map(members.map(|(name, value)| (name, OptionValue(value))))
            }
        }
    }
}

/// Returns a whole number as an integer. A `Value` has doubles only, but providers refuse `5.0` for
/// an integer.
fn as_integer(number: f64) -> Option<i64> {
    /// 2^53: up to here every integer is exact.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (number.fract() == 0.0 && number.abs() <= MAX_EXACT).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    fn options(fields: impl IntoIterator<Item = (&'static str, Kind)>) -> Struct {
        let fields: BTreeMap<_, _> = fields
            .into_iter()
            .map(|(name, kind)| (name.to_owned(), value(kind)))
            .collect();
        Struct { fields }
    }

    fn appended(options: &Struct) -> Result<String, EncodeError> {
        let reserved = Rules {
            reserved: &["stream"],
            ..Rules::default()
        };
        appended_by(reserved, options)
    }

    fn appended_by(rules: Rules<'_>, options: &Struct) -> Result<String, EncodeError> {
        let mut body = br#"{"model":"m"}"#.to_vec();
        append(&mut body, options, rules)?;
        Ok(String::from_utf8(body).unwrap())
    }

    #[test]
    fn options_are_added_at_the_top_level_and_integers_stay_integers() {
        let nested = options([("b", Kind::NumberValue(0.5)), ("c", Kind::NullValue(0))]);
        let list = prost_types::ListValue {
            values: vec![value(Kind::BoolValue(true))],
        };
        let all = options([
            ("seed", Kind::NumberValue(7.0)),
            ("a", Kind::StructValue(nested)),
            ("l", Kind::ListValue(list)),
        ]);
        assert_eq!(
            appended(&all).unwrap(),
            r#"{"model":"m","a":{"b":0.5,"c":null},"l":[true],"seed":7}"#
        );
        assert_eq!(appended(&Struct::default()).unwrap(), r#"{"model":"m"}"#);
    }

    #[test]
    fn an_option_that_the_body_sets_or_reserves_is_refused() {
        for name in ["model", "stream"] {
            let error = appended(&options([(name, Kind::BoolValue(true))])).unwrap_err();
            assert_eq!(error.field, format!("provider_options.{name}"));
        }
    }

    #[test]
    fn an_option_that_was_merged_or_is_not_known_is_not_added() {
        let all = options([
            ("model", Kind::NumberValue(1.0)),
            ("other", Kind::NumberValue(2.0)),
        ]);
        let merged = Rules {
            merged: &["model", "other"],
            ..Rules::default()
        };
        assert_eq!(appended_by(merged, &all).unwrap(), r#"{"model":"m"}"#);
        let known = Rules {
            merged: &["model"],
            known: Some(&["another"]),
            ..Rules::default()
        };
        assert_eq!(appended_by(known, &all).unwrap(), r#"{"model":"m"}"#);
    }

    #[test]
    fn a_number_that_json_cannot_represent_is_refused() {
        let error = appended(&options([("x", Kind::NumberValue(f64::NAN))])).unwrap_err();
        assert_eq!(error.field, "provider_options.x");
    }
}
