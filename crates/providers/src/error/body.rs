//! Parses error bodies of any shape.

use serde_json::{Map, Value};

/// The fields of an error body.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct ErrorBody {
    /// The body is an error by its own content.
    pub(super) is_error: bool,
    /// `type`.
    pub(super) kind: Option<String>,
    /// `code`; Anthropic's `details.error_code`; `error` in OAuth errors.
    pub(super) code: Option<String>,
    /// Google's symbolic status, such as `UNAVAILABLE`.
    pub(super) status: Option<String>,
    /// Google's `details`, each with its own type.
    pub(super) details: Vec<Value>,
    /// The message. Empty when there is none. For an HTML page, its title.
    pub(super) message: String,
    /// The provider's id of the request.
    pub(super) request_id: Option<String>,
    /// The body is an answer that failed while it was generated.
    pub(super) failed_answer: bool,
    /// All members of the error object, for fields of a single provider.
    pub(super) members: Map<String, Value>,
}

impl ErrorBody {
    /// Parses any body. It never fails.
    pub(super) fn parse(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Self::of_object(&object),
            // Some servers wrap the error in a list.
            Ok(Value::Array(list)) => match list.into_iter().next() {
                Some(Value::Object(object)) => Self::of_object(&object),
                _ => Self::default(),
            },
            Ok(Value::String(text)) => Self::of_text(&text),
            Ok(_) => Self::default(),
            Err(_) => Self::of_text(&String::from_utf8_lossy(&body[..body.len().min(MAX_TEXT)])),
        }
    }

    /// Parses `{"error":{…}}`, `{"error":"…"}`, `FastAPI`'s `{"detail":…}`, fields at the top
    /// level, or a failed answer of Chat Completions.
    fn of_object(object: &Map<String, Value>) -> Self {
        let top = text(object, "message").or_else(|| fastapi_detail(object));
        // In a stream, the Responses API wraps the failed answer.
        let failed = object
            .get("response")
            .and_then(|response| response.get("error"));
        let choice = object.get("choices").and_then(|choices| choices.get(0));
        let in_choice = choice.and_then(|choice| choice.get("error"));
        let error = object.get("error").filter(|error| !error.is_null());
        let mut body = match error.or(failed).or(in_choice) {
            Some(Value::Object(error)) => Self {
                is_error: true,
                kind: text(error, "type"),
                code: details_code(error).or_else(|| text(error, "code")),
                status: error
                    .get("status")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                details: match error.get("details") {
                    Some(Value::Array(details)) => details.clone(),
                    _ => Vec::new(),
                },
                message: text(error, "message").or(top).unwrap_or_default(),
                members: error.clone(),
                ..Self::default()
            },
            Some(Value::String(error)) => match text(object, "error_description") {
                // RFC 6749, 5.2.
                Some(message) => Self {
                    is_error: true,
                    code: Some(error.clone()),
                    message,
                    ..Self::default()
                },
                None => Self {
                    is_error: true,
                    message: error.clone(),
                    ..Self::default()
                },
            },
            _ => match choice.and_then(Value::as_object) {
                Some(choice) => Self::of_choice(choice),
                None => Self {
                    is_error: has_value(object, "type", "error")
                        || has_value(object, "object", "error"),
                    kind: text(object, "type").filter(|kind| kind != "error"),
                    code: text(object, "code"),
                    message: top.unwrap_or_default(),
                    ..Self::default()
                },
            },
        };
        body.request_id = text(object, "request_id");
        body
    }

    /// Parses an answer that ends with a failure or has no content. The caller has checked that it
    /// is not a valid answer.
    fn of_choice(choice: &Map<String, Value>) -> Self {
        let reason =
            text(choice, "finish_reason").filter(|reason| FAILURES.contains(&reason.as_str()));
        let empty = || choice.get("message").is_some_and(is_empty_message);
        let message = match &reason {
            Some(reason) => format!("the answer ended with “{reason}”"),
            None if empty() => EMPTY_ANSWER.to_owned(),
            None => return Self::default(),
        };
        Self {
            is_error: true,
            failed_answer: true,
            code: reason,
            message,
            ..Self::default()
        }
    }

    fn of_text(text: &str) -> Self {
        let text = text.trim();
        let message = if looks_like_html(text) {
            match title(text) {
                Some(title) => format!("an HTML page titled “{title}”"),
                None => "an HTML page".to_owned(),
            }
        } else {
            text.to_owned()
        };
        Self {
            message,
            ..Self::default()
        }
    }
}

fn is_empty_message(message: &Value) -> bool {
    let is_unset = |name| match message.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    ["content", "refusal", "tool_calls"]
        .into_iter()
        .all(is_unset)
}

/// Finds the `google.rpc` detail of a type, such as `RetryInfo`.
pub(super) fn detail<'a>(details: &'a [Value], name: &str) -> Option<&'a Value> {
    let is_named = |url: &str| {
        let name_of_type = url.rsplit_once("google.rpc.");
        name_of_type.is_some_and(|(_, last)| last == name)
    };
    details.iter().find(|detail| {
        detail
            .get("@type")
            .and_then(Value::as_str)
            .is_some_and(is_named)
    })
}

/// Reads a string or a number as text: codes come as either.
fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn has_value(object: &Map<String, Value>, name: &str, value: &str) -> bool {
    object.get(name).and_then(Value::as_str) == Some(value)
}

fn details_code(error: &Map<String, Value>) -> Option<String> {
    text(error.get("details")?.as_object()?, "error_code")
}

/// Reads `FastAPI`'s `detail`: a text, or a list of fields and their errors.
fn fastapi_detail(object: &Map<String, Value>) -> Option<String> {
    match object.get("detail")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(faults) => {
            let faults = faults.iter().filter_map(|fault| fault.get("msg")?.as_str());
            Some(faults.collect::<Vec<_>>().join("; "))
        }
        Value::Object(fault) => text(fault, "message").or_else(|| text(fault, "msg")),
        _ => None,
    }
}

fn looks_like_html(text: &str) -> bool {
    let start: String = text
        .chars()
        .take(256)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    start.starts_with("<!doctype") || start.starts_with("<html") || start.contains("<head")
}

fn title(page: &str) -> Option<&str> {
    // ASCII case folding does not move any byte.
    let folded = page.to_ascii_lowercase();
    let tag = folded.find("<title")?;
    let start = tag + folded[tag..].find('>')? + 1;
    let end = start + folded[start..].find("</title")?;
    let title = page[start..end].trim();
    (!title.is_empty()).then_some(title)
}

/// The finish reasons of failed answers at OpenRouter and DeepSeek.
const FAILURES: [&str; 2] = ["error", "insufficient_system_resource"];

const EMPTY_ANSWER: &str = "the answer is empty; the model may still be starting";

/// Bytes of a text that are examined. The message that is kept is far shorter.
const MAX_TEXT: usize = 16 * 1024;
