//! Tools and tool choice in Google's requests.

use latchkey_contract::router::v1::GenerateRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::encode::{
    Call, Choice, EncodeError, EncodeErrorKind, choice, parallel, refuse, tool_schema,
};

/// The one tool that holds all functions.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool<'a> {
    function_declarations: Vec<FunctionDeclaration<'a>>,
}

/// A function. Google has no `strict` flag; it follows schemas as far as possible.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionDeclaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    /// The schema. The alternative field `parameters` accepts only a small subset of JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a RawValue>,
}

pub(super) fn tools(request: &GenerateRequest) -> Result<Option<[Tool<'_>; 1]>, EncodeError> {
    let mut function_declarations = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        function_declarations.push(FunctionDeclaration {
            name: &tool.name,
            description: &tool.description,
            parameters_json_schema: tool_schema(index, tool)?,
        });
    }
    let given = !function_declarations.is_empty();
    Ok(given.then_some([Tool {
        function_declarations,
    }]))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    function_calling_config: FunctionCallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionCallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

pub(super) fn tool_config<'a>(call: &Call<'a>) -> Result<Option<ToolConfig<'a>>, EncodeError> {
    if parallel(call.request) == Some(false) {
        return refuse(
            "tool_choice.parallel",
            EncodeErrorKind::UnsupportedByProvider,
            "the provider cannot be limited to one call at a time",
        );
    }
    let (mode, allowed_function_names) = match choice(call)? {
        None => return Ok(None),
        Some(Choice::Auto) => ("AUTO", None),
        Some(Choice::None) => ("NONE", None),
        Some(Choice::Required) => ("ANY", None),
        Some(Choice::Named(name)) => ("ANY", Some([name])),
    };
    Ok(Some(ToolConfig {
        function_calling_config: FunctionCallingConfig {
            mode,
            allowed_function_names,
        },
    }))
}
