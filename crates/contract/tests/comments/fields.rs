//! What the comments of request fields begin with.

use std::collections::HashMap;

use protox::prost_reflect::{Kind, MessageDescriptor};

use super::{Described as _, is_latchkeys, services};

/// How a field of a request behaves (AIP-203).
const BEHAVIOURS: [&str; 5] = [
    "Identifier",
    "Input only",
    "Optional",
    "Output only",
    "Required",
];

#[test]
fn every_field_of_a_request_begins_with_its_behaviour() {
    for message in request_messages() {
        for field in message.fields() {
            let oneof = field.containing_oneof();
            // The choice as a whole is required or optional, its fields are not.
            if oneof.is_none_or(|oneof| oneof.is_synthetic()) {
                assert!(
                    states_behaviour(field.comment()),
                    "{}: `{}`",
                    field.full_name(),
                    field.comment()
                );
            }
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            assert!(
                states_behaviour(oneof.comment()),
                "{}: `{}`",
                oneof.full_name(),
                oneof.comment()
            );
        }
    }
}

#[test]
fn behaviours_are_recognised_as_whole_words() {
    assert!(states_behaviour("Required. The name."));
    assert!(states_behaviour("Optional, for `azure` only. A version."));
    assert!(states_behaviour("Required for `vertex`. The region."));
    for comment in ["The name.", "Requires a name.", "Required", ""] {
        assert!(!states_behaviour(comment), "{comment}");
    }
}

/// A behaviour, and then what the field holds.
fn states_behaviour(comment: &str) -> bool {
    let comment = comment.replace('\n', " ");
    BEHAVIOURS.iter().any(|behaviour| {
        let rest = comment.strip_prefix(behaviour);
        rest.is_some_and(|rest| rest.starts_with(['.', ',', ';', ' ']) && rest.contains(". "))
    })
}

/// Every message that a request can hold.
fn request_messages() -> Vec<MessageDescriptor> {
    let methods = services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut open: Vec<_> = methods.map(|method| method.input()).collect();
    let mut found: HashMap<String, MessageDescriptor> = HashMap::new();
    while let Some(message) = open.pop() {
        let name = message.full_name().to_owned();
        if !is_latchkeys(&message) || found.contains_key(&name) {
            continue;
        }
        for field in message.fields() {
            match field.kind() {
                Kind::Message(entry) if entry.is_map_entry() => {
                    if let Kind::Message(value) = entry.map_entry_value_field().kind() {
                        open.push(value);
                    }
                }
                Kind::Message(inner) => open.push(inner),
                _ => {}
            }
        }
        found.insert(name, message);
    }
    found.into_values().collect()
}
