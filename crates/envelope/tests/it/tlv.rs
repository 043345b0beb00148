//! Distinct lists have distinct encodings: every encoding decodes to the one list it came from.

use std::collections::BTreeMap;

use latchkey_envelope::Tlv;
use proptest::prelude::*;

type Values = BTreeMap<u8, Vec<u8>>;

proptest! {
    #[test]
    fn an_encoding_decodes_to_its_list(schema: u8, values in values()) {
        let decoded = decode(&encode(schema, &values));
        prop_assert_eq!(decoded, Some((schema, values)));
    }

    /// Values over a two-letter alphabet that includes small tags and lengths, so that encodings
    /// come as close to each other as they can.
    #[test]
    fn lists_that_differ_have_encodings_that_differ(one in close_values(), other in close_values()) {
        prop_assert_eq!(one == other, encode(1, &one) == encode(1, &other));
    }

    /// No encoding begins another: what a MAC covers cannot be continued.
    #[test]
    fn an_encoding_cut_short_or_continued_by_a_byte_is_another_list_or_none(values in values()) {
        let encoded = encode(1, &values);
        let cut = decode(&encoded[..encoded.len() - 1]);
        prop_assert_ne!(cut, Some((1, values.clone())));
        let continued = [&encoded[..], &[0]].concat();
        prop_assert_ne!(decode(&continued), Some((1, values)));
    }

    #[test]
    fn tags_are_accepted_exactly_when_they_ascend(tags in prop::collection::vec(any::<u8>(), 0..5)) {
        let tlv = tags.iter().fold(Tlv::new(1), |tlv, tag| tlv.bytes(*tag, b""));
        let ascending = tags.windows(2).all(|pair| pair[0] < pair[1]);
        prop_assert_eq!(tlv.finish().is_ok(), ascending);
    }
}

fn values() -> impl Strategy<Value = Values> {
    prop::collection::btree_map(
        any::<u8>(),
        prop::collection::vec(any::<u8>(), 0..300),
        0..8,
    )
}

fn close_values() -> impl Strategy<Value = Values> {
    let letter = prop::sample::select(vec![0_u8, 1]);
    prop::collection::btree_map(0..3_u8, prop::collection::vec(letter, 0..4), 0..3)
}

fn encode(schema: u8, values: &Values) -> Vec<u8> {
    values
        .iter()
        .fold(Tlv::new(schema), |tlv, (tag, value)| tlv.bytes(*tag, value))
        .finish()
        .expect("a map's keys ascend and its values are short")
}

fn decode(encoded: &[u8]) -> Option<(u8, Values)> {
    let (schema, mut rest) = encoded.split_first()?;
    let mut values = Values::new();
    while let Some((tag, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk::<2>()?;
        let (value, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        values.insert(*tag, value.to_vec());
        rest = after;
    }
    Some((*schema, values))
}
