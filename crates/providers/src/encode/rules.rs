//! Contract rules that hold for every provider.

use latchkey_contract::router::v1::part::Content;
use latchkey_contract::router::v1::{
    Blob, GenerateRequest, Message, Part, Role, ToolCall, file, image,
};

use super::{EncodeError, EncodeErrorKind, part_field, refuse, tools};

/// Checks the rules that do not depend on the provider.
pub(super) fn check(request: &GenerateRequest) -> Result<(), EncodeError> {
    check_messages(&request.messages)?;
    tools::check(request)?;
    if request.max_output_tokens.is_some_and(|limit| limit < 1) {
        return invalid("max_output_tokens", "must be at least 1");
    }
    Ok(())
}

fn check_messages(messages: &[Message]) -> Result<(), EncodeError> {
    if messages.is_empty() {
        return invalid("messages", "is required");
    }
    // The calls of the last assistant message that have no result yet.
    let mut unanswered: Vec<&ToolCall> = Vec::new();
    for (m, message) in messages.iter().enumerate() {
        let role = match Role::try_from(message.role) {
            Ok(Role::Unspecified) | Err(_) => {
                return invalid(format!("messages[{m}].role"), "is required");
            }
            Ok(role) => role,
        };
        if message.parts.is_empty() {
            return invalid(format!("messages[{m}].parts"), "is required");
        }
        if role != Role::Tool && !unanswered.is_empty() {
            return invalid(
                format!("messages[{m}]"),
                "must follow the results of the preceding tool calls",
            );
        }
        for (p, part) in message.parts.iter().enumerate() {
            check_part(role, part, |field| part_field(m, p, field))?;
            match &part.content {
                Some(Content::ToolCall(call)) => {
                    if unanswered.iter().any(|other| other.id == call.id) {
                        return invalid(part_field(m, p, "tool_call.id"), "is used twice");
                    }
                    unanswered.push(call);
                }
                Some(Content::ToolResult(result)) => {
                    let call = unanswered
                        .iter()
                        .position(|call| call.id == result.tool_call_id);
                    let Some(call) = call else {
                        return invalid(
                            part_field(m, p, "tool_result.tool_call_id"),
                            "must be the id of a tool call in the preceding message",
                        );
                    };
                    let call = unanswered.swap_remove(call);
                    if !result.name.is_empty() && result.name != call.name {
                        return invalid(
                            part_field(m, p, "tool_result.name"),
                            "must name the tool of the call that it answers",
                        );
                    }
                }
                _ => {}
            }
        }
    }
    if unanswered.is_empty() {
        Ok(())
    } else {
        invalid(
            "messages",
            "must include the results of the last tool calls",
        )
    }
}

fn check_part(role: Role, part: &Part, field: impl Fn(&str) -> String) -> Result<(), EncodeError> {
    let Some(content) = &part.content else {
        return invalid(field(""), "is empty");
    };
    let (name, belongs) = match content {
        Content::Text(_) => ("text", role != Role::Tool),
        Content::Image(_) => ("image", matches!(role, Role::Assistant | Role::User)),
        Content::File(_) => ("file", role == Role::User),
        Content::ToolCall(_) => ("tool_call", role == Role::Assistant),
        Content::ToolResult(_) => ("tool_result", role == Role::Tool),
        Content::Reasoning(_) => ("reasoning", role == Role::Assistant),
        Content::Refusal(_) => ("refusal", role == Role::Assistant),
    };
    if !belongs {
        return invalid(field(name), "is not allowed in a message of this role");
    }
    match content {
        // Google may end an answer with an empty text that carries a signature.
        Content::Text(_) if role == Role::Assistant && part.provider_state.is_some() => Ok(()),
        Content::Text(text) | Content::Refusal(text) if text.is_empty() => {
            invalid(field(name), "is empty")
        }
        Content::Image(image) => check_image(image.source.as_ref(), &field("image")),
        Content::File(file) => match &file.source {
            None => invalid(field("file"), "must have a URL or data"),
            Some(file::Source::Url(url)) => check_url(url, field("file.url")),
            Some(file::Source::Blob(blob)) => check_blob(blob, &field("file.blob")),
        },
        Content::ToolCall(call) if call.id.is_empty() => {
            invalid(field("tool_call.id"), "is required")
        }
        Content::ToolCall(call) if call.name.is_empty() => {
            invalid(field("tool_call.name"), "is required")
        }
        Content::ToolResult(result) => {
            for (r, part) in result.parts.iter().enumerate() {
                let path = |leaf: &str| field(&format!("tool_result.parts[{r}].{leaf}"));
                match &part.content {
                    Some(Content::Text(text)) if !text.is_empty() => {}
                    Some(Content::Image(image)) => {
                        check_image(image.source.as_ref(), &path("image"))?;
                    }
                    _ => return invalid(path("content"), "must be text or an image"),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn check_image(source: Option<&image::Source>, field: &str) -> Result<(), EncodeError> {
    match source {
        None => invalid(field.to_owned(), "must have a URL or data"),
        Some(image::Source::Url(url)) => check_url(url, format!("{field}.url")),
        Some(image::Source::Blob(blob)) => check_blob(blob, &format!("{field}.blob")),
    }
}

fn check_url(url: &str, field: String) -> Result<(), EncodeError> {
    let https = url
        .get(..8)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if https {
        Ok(())
    } else {
        invalid(field, "must be an https URL")
    }
}

fn check_blob(blob: &Blob, field: &str) -> Result<(), EncodeError> {
    if !blob.mime_type.contains('/') {
        return invalid(format!("{field}.mime_type"), "must be a MIME type");
    }
    if blob.data.is_empty() {
        return invalid(format!("{field}.data"), "is required");
    }
    Ok(())
}

fn invalid<T>(
    field: impl Into<std::borrow::Cow<'static, str>>,
    message: &'static str,
) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::Invalid, message)
}
