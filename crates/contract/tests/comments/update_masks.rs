//! The paths that the comments of update masks allow.

use protox::prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{Described as _, messages, quoted};

#[test]
fn every_path_that_an_update_mask_allows_is_a_field_of_the_resource() {
    let mut masks = 0;
    for request in messages() {
        let Some(mask) = request.get_field_by_name("update_mask") else {
            continue;
        };
        masks += 1;
        let resource = resource_of(&request);
        for path in quoted(mask.comment()) {
            let name = mask.full_name();
            let field = find(&resource, path);
            let field = field.unwrap_or_else(|| {
                panic!(
                    "{name}: `{path}` is not a field of {}",
                    resource.full_name()
                )
            });
            let comment = field.comment();
            let is_fixed = ["Identifier.", "Output only."]
                .iter()
                .any(|start| comment.starts_with(start))
                || comment.contains(" Immutable.");
            assert!(!is_fixed, "{name}: `{path}` can't be changed: {comment}");
        }
    }
    assert!(masks > 0);
}

#[test]
fn every_update_mask_lists_the_paths_that_it_allows() {
    for request in messages() {
        if let Some(mask) = request.get_field_by_name("update_mask") {
            let comment = mask.comment().replace('\n', " ");
            let list = comment.split_once("Allowed: `").map(|(_, list)| list);
            assert!(
                list.is_some_and(|list| list.ends_with("`.") && !list.contains(". ")),
                "{}: `{comment}` must end with the paths",
                mask.full_name()
            );
        }
    }
}

/// The message beside the mask.
fn resource_of(request: &MessageDescriptor) -> MessageDescriptor {
    let mut resources = request.fields().filter_map(|field| match field.kind() {
        Kind::Message(message) if field.name() != "update_mask" => Some(message),
        _ => None,
    });
    let resource = resources.next();
    let resource = resource.unwrap_or_else(|| panic!("{} has none", request.full_name()));
    assert_eq!(resources.next(), None, "{}", request.full_name());
    resource
}

fn find(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let Some((first, rest)) = path.split_once('.') else {
        return message.get_field_by_name(path);
    };
    match message.get_field_by_name(first)?.kind() {
        Kind::Message(inner) => find(&inner, rest),
        _ => None,
    }
}
