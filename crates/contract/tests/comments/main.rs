//! Holds the comments of the protos to their form and to the names that exist: reflection shows them
//! to callers, so they are part of the contract.

mod errors;
mod fields;
mod names;
mod update_masks;

use std::collections::HashMap;
use std::sync::LazyLock;

use latchkey_contract::FILE_DESCRIPTOR_SET;
use protox::prost_reflect::{
    DescriptorPool, FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor,
    OneofDescriptor, ServiceDescriptor,
};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("it is a descriptor set"));

/// Comments by the file and the path of what they describe.
static COMMENTS: LazyLock<HashMap<(String, Vec<i32>), String>> = LazyLock::new(|| {
    let located = latchkey_files().flat_map(|file| {
        let descriptor = file.file_descriptor_proto();
        let info = descriptor
            .source_code_info
            .as_ref()
            .expect("comments are kept");
        let commented = info.location.iter().filter_map(|location| {
            let comment = location.leading_comments.as_deref()?;
            Some((location.path.clone(), unindented(comment)))
        });
        let name = file.name().to_owned();
        let keyed = commented.map(|(path, comment)| ((name.clone(), path), comment));
        keyed.collect::<Vec<_>>()
    });
    located.collect()
});

/// A descriptor that can have a comment.
trait Described {
    fn comment(&self) -> &'static str;
}

macro_rules! described {
    ($($descriptor:ty),+) => {
        $(impl Described for $descriptor {
            fn comment(&self) -> &'static str {
                let place = (self.parent_file().name().to_owned(), self.path().to_vec());
                COMMENTS.get(&place).map_or("", String::as_str)
            }
        })+
    };
}

described!(
    FieldDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor
);

fn latchkey_files() -> impl Iterator<Item = FileDescriptor> {
    POOL.files()
        .filter(|file| file.package_name().starts_with("latchkey."))
}

fn services() -> impl Iterator<Item = ServiceDescriptor> {
    POOL.services()
        .filter(|service| service.package_name().starts_with("latchkey."))
}

fn messages() -> impl Iterator<Item = MessageDescriptor> {
    POOL.all_messages()
        .filter(|message| is_latchkeys(message) && !message.is_map_entry())
}

fn is_latchkeys(message: &MessageDescriptor) -> bool {
    message.package_name().starts_with("latchkey.")
}

/// The texts between backticks.
fn quoted(comment: &str) -> impl Iterator<Item = &str> {
    comment.split('`').skip(1).step_by(2)
}

/// A comment without the space that follows the slashes of each line.
fn unindented(comment: &str) -> String {
    let lines: Vec<_> = comment.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

#[test]
fn every_method_and_field_has_a_comment() {
    for method in services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        assert_ne!(method.comment(), "", "{}", method.full_name());
    }
    for field in messages().flat_map(|message| message.fields().collect::<Vec<_>>()) {
        assert_ne!(field.comment(), "", "{}", field.full_name());
    }
}
