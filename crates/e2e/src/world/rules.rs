//! Checks that every provider makes of a request.

use std::collections::BTreeSet;

use serde_json::Value;

/// Refuses unknown fields, as real providers do.
pub(super) fn only(object: &Value, known: &[&str]) -> Result<(), String> {
    let fields = object.as_object().ok_or("not an object")?;
    match fields.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(format!("Unknown parameter: '{field}'.")),
        None => Ok(()),
    }
}

/// The list in a field.
pub(super) fn list<'a>(object: &'a Value, field: &str) -> Result<&'a [Value], String> {
    let list = object[field].as_array().map(Vec::as_slice);
    list.ok_or_else(|| format!("{field}: a list is required"))
}

/// The text in a field, which must not be empty.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> Result<&'a str, String> {
    match object[field].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(format!(
            "{field}: a text is required, not {}",
            object[field]
        )),
    }
}

/// Tool calls without a result so far.
#[derive(Default)]
pub(super) struct OpenCalls(BTreeSet<String>);

impl OpenCalls {
    pub(super) fn called(&mut self, id: &str) -> Result<(), String> {
        if self.0.insert(id.to_owned()) {
            Ok(())
        } else {
            Err(format!("the call {id} is repeated"))
        }
    }

    pub(super) fn answered(&mut self, id: &str) -> Result<(), String> {
        if self.0.remove(id) {
            Ok(())
        } else {
            Err(format!("{id} answers no call"))
        }
    }

    pub(super) fn none_left(&self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(id) => Err(format!("the call {id} has no result")),
        }
    }
}
