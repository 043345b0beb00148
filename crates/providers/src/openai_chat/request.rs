//! The request's body.

use latchkey_contract::router::v1::GenerateRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use super::message::{WireMessage, messages};
use crate::Provider;
use crate::catalogue::{Effort, TokenLimit};
use crate::encode::{
    AnswerFormat, Call, Choice, EncodeError, Picked, Takes, answer_format, choice, parallel,
    reasoning, sampling, schema_name, tool_schema,
};

/// Fields that would change how the answer must be read.
pub(crate) const RESERVED: &[&str] = &["n", "stream"];

/// Writes the body.
pub(crate) fn encode(call: &Call<'_>) -> Result<Vec<u8>, EncodeError> {
    let reasoning = reasoning(call)?;
    let Picked {
        temperature,
        top_p,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        top_k: _, // refused: the dialect has none
    } = sampling(call, &takes(call.provider), reasoning.reasons)?;
    let limit = call.request.max_output_tokens;
    let (max_tokens, max_completion_tokens) = match call.traits.token_limit {
        TokenLimit::MaxTokens => (limit, None),
        TokenLimit::MaxCompletionTokens => (None, limit),
    };
    let body = Body {
        model: call.model,
        messages: messages(call)?,
        tools: tools(call)?,
        tool_choice: choice(call)?.map(ToolChoice::from),
        parallel_tool_calls: parallel(call.request),
        response_format: response_format(call.request)?,
        temperature,
        top_p,
        seed,
        presence_penalty,
        frequency_penalty,
        stop,
        max_tokens,
        max_completion_tokens,
        reasoning_effort: reasoning.effort.map(Effort::as_str),
        stream: call.stream.then_some(true),
        stream_options: (call.stream && call.traits.stream_usage).then_some(StreamOptions {
            include_usage: true,
        }),
    };
    Ok(crate::encode::write(call.request, &body))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tool<'a> {
    Function { function: Function<'a> },
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parameters<'a> {
    Given(&'a RawValue),
    Empty(EmptySchema),
}

/// OpenAI takes a missing schema for an empty one; other servers fail on it.
#[derive(Serialize)]
struct EmptySchema {
    r#type: &'static str,
    properties: Empty,
}

#[derive(Serialize)]
struct Empty {}

fn tools<'a>(call: &Call<'a>) -> Result<Vec<Tool<'a>>, EncodeError> {
    let tools = call.request.tools.iter().enumerate();
    tools
        .map(|(index, tool)| {
            let parameters = match tool_schema(index, tool)? {
                Some(schema) => Some(Parameters::Given(schema)),
                None if call.provider == Provider::Custom => Some(Parameters::Empty(EmptySchema {
                    r#type: "object",
                    properties: Empty {},
                })),
                None => None,
            };
            Ok(Tool::Function {
                function: Function {
                    name: &tool.name,
                    description: &tool.description,
                    parameters,
                    strict: tool.strict,
                },
            })
        })
        .collect()
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolChoice<'a> {
    Mode(&'static str),
    Named(NamedTool<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum NamedTool<'a> {
    Function { function: Name<'a> },
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

impl<'a> From<Choice<'a>> for ToolChoice<'a> {
    fn from(choice: Choice<'a>) -> Self {
        match choice {
            Choice::Auto => Self::Mode("auto"),
            Choice::None => Self::Mode("none"),
            Choice::Required => Self::Mode("required"),
            Choice::Named(name) => Self::Named(NamedTool::Function {
                function: Name { name },
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: JsonSchema<'a> },
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

fn response_format(request: &GenerateRequest) -> Result<Option<ResponseFormat<'_>>, EncodeError> {
    Ok(match answer_format(request)? {
        AnswerFormat::Text => None,
        AnswerFormat::JsonObject => Some(ResponseFormat::JsonObject),
        AnswerFormat::JsonSchema(format, schema) => Some(ResponseFormat::JsonSchema {
            json_schema: JsonSchema {
                name: schema_name(format)?,
                schema,
                description: &format.description,
                strict: format.strict,
            },
        }),
    })
}

fn takes(provider: Provider) -> Takes {
    Takes {
        max_temperature: 2.0,
        penalties: true,
        seed: true,
        stops: match provider {
            Provider::OpenAi => 4,
            _ => usize::MAX,
        },
        top_k: false,
    }
}
