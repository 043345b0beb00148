//! Tools, tool choice, and JSON that requests carry as text.

use std::borrow::Cow;

use latchkey_contract::router::v1::{
    GenerateRequest, JsonSchema, Tool, ToolCall, ToolChoice, response_format, tool_choice,
};
use serde_json::value::RawValue;

use super::{Call, EncodeError, EncodeErrorKind, part_field, refuse};
use crate::json;

/// Checks the tools, the tool choice and the schema of the answer.
pub(super) fn check(request: &GenerateRequest) -> Result<(), EncodeError> {
    if request.tools.len() > MAX_TOOLS {
        return invalid("tools", "must have at most 128 entries");
    }
    for (t, tool) in request.tools.iter().enumerate() {
        if !is_tool_name(&tool.name) {
            return invalid(
                format!("tools[{t}].name"),
                "must match [A-Za-z_][A-Za-z0-9_-]{0,63}",
            );
        }
        if request.tools[..t]
            .iter()
            .any(|other| other.name == tool.name)
        {
            return invalid(format!("tools[{t}].name"), "is used twice");
        }
    }
    if let Some(choice) = &request.tool_choice {
        check_choice(choice, &request.tools)?;
    }
    Ok(())
}

/// Which tool the model must call, if the request says so.
#[derive(Clone, Copy)]
pub(crate) enum Choice<'a> {
    Auto,
    Named(&'a str),
    None,
    Required,
}

/// Returns the tool choice of the request, or refuses it if the model cannot be forced to call a
/// tool.
pub(crate) fn choice<'a>(call: &Call<'a>) -> Result<Option<Choice<'a>>, EncodeError> {
    let Some(choice) = &call.request.tool_choice else {
        return Ok(None);
    };
    let choice = match choice.mode() {
        tool_choice::Mode::Unspecified => return Ok(None),
        tool_choice::Mode::Auto => Choice::Auto,
        tool_choice::Mode::None => Choice::None,
        tool_choice::Mode::Required => Choice::Required,
        tool_choice::Mode::Named => Choice::Named(&choice.tool),
    };
    let forced = matches!(choice, Choice::Named(_) | Choice::Required);
    if forced && !call.traits.forced_tool_choice {
        return refuse(
            "tool_choice.mode",
            EncodeErrorKind::UnsupportedByProvider,
            "the model cannot be forced to call a tool",
        );
    }
    Ok(Some(choice))
}

/// Whether the request allows several tool calls at once. None when the request leaves it open.
pub(crate) fn parallel(request: &GenerateRequest) -> Option<bool> {
    request.tool_choice.as_ref()?.parallel
}

/// The JSON schema of a tool, unchanged. None when the tool takes no arguments.
pub(crate) fn tool_schema(index: usize, tool: &Tool) -> Result<Option<&RawValue>, EncodeError> {
    if tool.json_schema.is_empty() {
        return Ok(None);
    }
    match json::object(&tool.json_schema) {
        Some(schema) => Ok(Some(schema)),
        None => invalid(format!("tools[{index}].json_schema"), NOT_AN_OBJECT),
    }
}

/// The arguments of a call that has none.
pub(crate) const NO_ARGUMENTS: &str = "{}";

/// The arguments of a call, unchanged.
pub(crate) fn tool_arguments(
    message: usize,
    part: usize,
    call: &ToolCall,
) -> Result<&RawValue, EncodeError> {
    let text = if call.arguments.trim_ascii().is_empty() {
        NO_ARGUMENTS
    } else {
        &call.arguments
    };
    match json::object(text) {
        Some(arguments) => Ok(arguments),
        None => invalid(
            part_field(message, part, "tool_call.arguments"),
            NOT_AN_OBJECT,
        ),
    }
}

/// The format that the answer must have.
pub(crate) enum AnswerFormat<'a> {
    JsonObject,
    JsonSchema(&'a JsonSchema, &'a RawValue),
    Text,
}

/// Returns the answer format of the request.
pub(crate) fn answer_format(request: &GenerateRequest) -> Result<AnswerFormat<'_>, EncodeError> {
    let format = request
        .response_format
        .as_ref()
        .and_then(|format| format.format.as_ref());
    match format {
        None => Ok(AnswerFormat::Text),
        Some(response_format::Format::JsonObject(_)) => Ok(AnswerFormat::JsonObject),
        Some(response_format::Format::JsonSchema(schema)) => {
            match json::object(&schema.json_schema) {
                Some(raw) => Ok(AnswerFormat::JsonSchema(schema, raw)),
                None => invalid("response_format.json_schema.json_schema", NOT_AN_OBJECT),
            }
        }
    }
}

/// Returns the name of the schema. OpenAI requires one.
pub(crate) fn schema_name(schema: &JsonSchema) -> Result<&str, EncodeError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=64).contains(&schema.name.len()) && schema.name.bytes().all(allowed) {
        Ok(&schema.name)
    } else {
        invalid(
            "response_format.json_schema.name",
            "must match [A-Za-z0-9_-]{1,64}",
        )
    }
}

fn check_choice(choice: &ToolChoice, tools: &[Tool]) -> Result<(), EncodeError> {
    let Ok(mode) = tool_choice::Mode::try_from(choice.mode) else {
        return invalid("tool_choice.mode", "is not a known mode");
    };
    if tools.is_empty() {
        return invalid("tool_choice", "requires tools");
    }
    let named = mode == tool_choice::Mode::Named;
    if named && !tools.iter().any(|tool| tool.name == choice.tool) {
        return invalid("tool_choice.tool", "must be the name of one of the tools");
    }
    if !named && !choice.tool.is_empty() {
        return invalid("tool_choice.tool", "requires the mode NAMED");
    }
    Ok(())
}

fn is_tool_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    let continues = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    bytes.len() <= 64 && bytes.first().is_some_and(starts) && bytes.iter().all(continues)
}

fn invalid<T>(
    field: impl Into<Cow<'static, str>>,
    message: &'static str,
) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::Invalid, message)
}

const MAX_TOOLS: usize = 128;
const NOT_AN_OBJECT: &str = "must be a JSON object";
